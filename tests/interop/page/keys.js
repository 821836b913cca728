// Hears keys (DTMF) in a stream. Runs on the audio thread, because there no sample is missed however busy the page is.

import { share } from './tones.js';

const KEYS = ['123A', '456B', '789C', '*0#D'];
const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
// Chrome plays a received telephone-event for two blocks of 21 ms at least, so a window is one block, and they overlap.
const WINDOW = 1024;
const STEP = WINDOW / 2;
// So many windows without a tone let go of a key: Chrome plays the tone of a late packet with a crack.
const LETTING_GO = 6;

class Keys extends AudioWorkletProcessor {
  #samples = new Float32Array(WINDOW);
  #filled = 0;
  #held = null;
  #gap = 0;

  process([[block]]) {
    if (!block) return true;
    // Blocks of 128 samples fill a window without a rest.
    this.#samples.set(block, this.#filled);
    this.#filled += block.length;
    if (this.#filled === WINDOW) {
      this.#listen(keyOf(this.#samples));
      this.#samples.copyWithin(0, STEP);
      this.#filled = WINDOW - STEP;
    }
    return true;
  }

  #listen(key) {
    this.#gap = key === null ? this.#gap + 1 : 0;
    if (key !== null && key !== this.#held) this.port.postMessage(key);
    if (key !== null || this.#gap >= LETTING_GO) this.#held = key;
  }
}

registerProcessor('keys', Keys);

/** The key whose two tones carry most of the energy, or null. */
function keyOf(samples) {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  if (energy / samples.length < 1e-5) return null;
  const strongest = (tones) => {
    const shares = tones.map((hz) => share(samples, hz / sampleRate));
    const best = shares.indexOf(Math.max(...shares));
    return [best, shares[best]];
  };
  const [row, low] = strongest(LOW);
  const [column, high] = strongest(HIGH);
  return low > 0.15 && high > 0.15 && low + high > 0.6 ? KEYS[row][column] : null;
}
