// WAV files of 16-bit samples: a tone to play, and a tone found in a recording.

import { readFileSync, writeFileSync } from 'node:fs';
import { share } from '../page/tones.js';

const RATE = 16_000;
const HEADER = 44;

/** Writes one tone, mono, at a quarter of the full scale. */
export function writeTone(file, hz, seconds) {
  const size = 2 * RATE * seconds;
  const wav = Buffer.alloc(HEADER + size);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(2 * RATE, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(size, 40);
  for (let i = 0; i < size / 2; i += 1) {
    wav.writeInt16LE(Math.round(8192 * Math.sin((2 * Math.PI * hz * i) / RATE)), HEADER + 2 * i);
  }
  writeFileSync(file, wav);
}

/** How many seconds of a tone the first channel of a recording holds, and how many seconds it has. */
export function secondsOfTone(file, hz) {
  const { rate, samples } = firstChannel(readFileSync(file));
  const window = rate / 10;
  let heard = 0;
  for (let at = 0; at + window <= samples.length; at += window) {
    if (share(samples.subarray(at, at + window), hz / rate) > 0.8) heard += 1;
  }
  return { tone: heard / 10, all: samples.length / rate };
}

/**
 * The sizes in the header of a recording are right only after its end, so samples are read up to the end of the file.
 * linphonec writes the whole header at the end: until then it is zeros, and Opus makes the samples mono at 48 kHz.
 */
function firstChannel(wav) {
  let [channels, rate, body] = [1, 48_000, HEADER];
  const hasHeader = wav.toString('latin1', 0, 4) === 'RIFF';
  for (let at = 12; hasHeader && at + 24 <= wav.length; at = body + wav.readUInt32LE(at + 4)) {
    body = at + 8;
    const name = wav.toString('latin1', at, at + 4);
    if (name === 'fmt ') [channels, rate] = [wav.readUInt16LE(body + 2), wav.readUInt32LE(body + 4)];
    if (name === 'data') break;
  }
  const samples = new Int16Array(Math.max(0, Math.floor((wav.length - body) / (2 * channels))));
  for (let i = 0; i < samples.length; i += 1) samples[i] = wav.readInt16LE(body + 2 * channels * i);
  return { rate, samples };
}
