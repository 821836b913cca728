// What a phone hears: the frequency that dominates, and DTMF tones, reported when they change.

const SILENCE_DB = -65;
// So many readings in a row must agree before a new frequency, or silence, is reported.
const AGREEING = 3;

let followed = null;

/** The ICE user fragments of the candidate pair in use, ours and the peer's. */
export function pair() {
  const [{ transport }] = followed.getReceivers();
  const { local, remote } = transport.iceTransport.getSelectedCandidatePair();
  return [local.usernameFragment, remote.usernameFragment];
}

/** Listens to what `connection` receives, in its last track, until the returned function is called. */
export function follow(context, connection, report) {
  followed = connection;
  let stop = () => {};
  const tell = () => report({ event: 'ice', state: connection.iceConnectionState });
  connection.addEventListener('iceconnectionstatechange', tell);
  connection.addEventListener('track', ({ track, streams }) => {
    stop();
    stop = listen(context, streams[0] ?? new MediaStream([track]), report);
  });
  return () => stop();
}

function listen(context, stream, report) {
  // Chrome feeds a remote stream to Web Audio only while an element plays it.
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  element.play().catch((why) => report({ event: 'page_error', text: `audio element: ${why}` }));

  const source = context.createMediaStreamSource(stream);
  const stopPitch = watchPitch(context, source, report);
  const stopKeys = watchKeys(context, source, report);
  return () => {
    stopPitch();
    stopKeys();
    source.disconnect();
    element.srcObject = null;
  };
}

function watchPitch(context, source, report) {
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  source.connect(analyser);
  const spectrum = new Float32Array(analyser.frequencyBinCount);
  let reported;
  let candidate;
  let agreeing = 0;
  const timer = setInterval(() => {
    analyser.getFloatFrequencyData(spectrum);
    const hz = pitch(spectrum, context.sampleRate / analyser.fftSize);
    agreeing = isSame(hz, candidate) ? agreeing + 1 : 1;
    candidate = hz;
    if (agreeing >= AGREEING && !isSame(hz, reported)) {
      reported = hz;
      report({ event: 'media', heard_hz: hz });
    }
  }, 60);
  return () => clearInterval(timer);
}

function isSame(one, other) {
  if (one === null || other === null || other === undefined) return one === other;
  return Math.abs(one - other) < 10;
}

/** The frequency of the highest peak in Hz, or null for silence. */
function pitch(spectrum, width) {
  let peak = 1;
  for (let i = 2; i < spectrum.length - 1; i += 1) if (spectrum[i] > spectrum[peak]) peak = i;
  if (!(spectrum[peak] > SILENCE_DB)) return null;
  const [before, top, after] = [spectrum[peak - 1], spectrum[peak], spectrum[peak + 1]];
  const offset = (after - before) / (2 * (2 * top - before - after)) || 0;
  return Math.round((peak + offset) * width * 10) / 10;
}

/** Needs the worklet of keys.js in `context`. */
function watchKeys(context, source, report) {
  const keys = new AudioWorkletNode(context, 'keys', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
  keys.port.onmessage = ({ data: digit }) => report({ event: 'dtmf', digit, by: 'rtp' });
  source.connect(keys);
  return () => keys.port.close();
}
