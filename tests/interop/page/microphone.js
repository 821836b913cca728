// The microphone of a page: an oscillator.

export const context = new AudioContext();
const oscillators = new Set();
let tone = 440;

/** Sets the tone of the calls that are up and of those to come. */
export function speak(hz) {
  tone = hz;
  for (const oscillator of oscillators) oscillator.frequency.value = hz;
}

// The libraries stop the tracks that they were given when a call ends, so each call gets a microphone of its own.
navigator.mediaDevices.getUserMedia = async () => {
  const destination = context.createMediaStreamDestination();
  const oscillator = new OscillatorNode(context, { frequency: tone });
  const volume = new GainNode(context, { gain: 0.3 });
  oscillator.connect(volume).connect(destination);
  oscillator.start();
  oscillators.add(oscillator);
  return destination.stream;
};
