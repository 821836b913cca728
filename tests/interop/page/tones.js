// How much of a sound is one tone (Goertzel's algorithm).

/** The part of the energy of `samples` that one frequency carries, given in cycles a sample: 1 for a pure tone. */
export function share(samples, frequency) {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return energy === 0 ? 0 : power(samples, frequency) / ((energy * samples.length) / 2);
}

function power(samples, frequency) {
  const coefficient = 2 * Math.cos(2 * Math.PI * frequency);
  let [previous, before] = [0, 0];
  for (const sample of samples) [previous, before] = [sample + coefficient * previous - before, previous];
  return previous * previous + before * before - coefficient * previous * before;
}
