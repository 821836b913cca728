// What a phone hears: the frequency that dominates, and DTMF tones, reported when they change.

const KEYS = ['123A', '456B', '789C', '*0#D'];
const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const SILENCE_DB = -65;
// So many readings in a row must agree before a new frequency, or silence, is reported.
const AGREEING = 3;
// So many readings, 10 ms apart, without a tone let go of a key: Chrome plays the tone of a late packet with a crack.
const LETTING_GO = 6;

/** Listens to `stream` until the returned function is called. */
export function listen(context, stream, report) {
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

function watchKeys(context, source, report) {
  // Chrome plays a received telephone-event for two blocks of 21 ms at least, so a window is one block.
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let held = null;
  let gap = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const key = keyOf(samples, context.sampleRate);
    gap = key === null ? gap + 1 : 0;
    if (key !== null && key !== held) report({ event: 'dtmf', digit: key, by: 'rtp' });
    if (key !== null || gap >= LETTING_GO) held = key;
  }, 10);
  return () => clearInterval(timer);
}

/** The key whose two tones carry most of the energy, or null. */
function keyOf(samples, rate) {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  if (energy / samples.length < 1e-5) return null;
  const strongest = (tones) => {
    const shares = tones.map((hz) => share(samples, hz / rate));
    const best = shares.indexOf(Math.max(...shares));
    return [best, shares[best]];
  };
  const [row, low] = strongest(LOW);
  const [column, high] = strongest(HIGH);
  return low > 0.15 && high > 0.15 && low + high > 0.6 ? KEYS[row][column] : null;
}

/** The part of the energy that one frequency carries, given in cycles a sample: 1 for a pure tone. */
export function share(samples, frequency) {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return energy === 0 ? 0 : power(samples, frequency) / ((energy * samples.length) / 2);
}

/** Goertzel's algorithm: the power of one frequency, given in cycles a sample. */
function power(samples, frequency) {
  const coefficient = 2 * Math.cos(2 * Math.PI * frequency);
  let [previous, before] = [0, 0];
  for (const sample of samples) [previous, before] = [sample + coefficient * previous - before, previous];
  return previous * previous + before * before - coefficient * previous * before;
}
