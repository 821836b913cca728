// The `offhook` command as a phone: one process each, events as JSON lines, orders by standard input.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { share } from '../page/tones.js';
import { Journal } from './journal.js';
import { keep } from './processes.js';
import { Peer } from './peer.js';

const COMMAND = process.env.OFFHOOK;

export class CommandPhone extends Peer {
  #process = null;
  #exit = null;

  constructor(user, hz, { url, folder, password = `${user}-pw` }) {
    super('offhook', user, hz);
    this.record = join(folder, `${user}.wav`);
    this.account = ['--server', url, '--realm', 'interop.test', '--user', user, '--password', password, '--json'];
  }

  /** Is registered and answers every call. */
  async listen() {
    const mark = this.journal.mark;
    this.#run('answer', '--auto', '--tone', this.hz, '--record', this.record);
    await this.registered(mark);
  }

  call(peer) {
    this.#run('call', peer.address, '--tone', this.hz, '--record', this.record);
  }

  async hold() {
    const mark = this.journal.mark;
    this.#say('hold');
    await this.journal.first('hold', ({ event, local }) => event === 'hold' && local, { since: mark });
  }

  async resume() {
    const mark = this.journal.mark;
    this.#say('resume');
    await this.journal.first('resume', ({ event, local }) => event === 'hold' && !local, { since: mark });
  }

  /** `path` is `rtp` or `info`. */
  digits(digits, path) {
    this.#say(path === 'info' ? `dtmf-info ${digits}` : `dtmf ${digits}`);
  }

  hangUp() {
    this.#say('hangup');
  }

  transfer(peer) {
    this.#say(`transfer ${peer.address}`);
  }

  /** Waits for the recording of a call that ended, and looks for half a second of a tone in it. */
  async recorded(hz, since) {
    await this.journal.first('recording', ({ event }) => event === 'recorded', { since });
    const wav = readFileSync(this.record);
    const rate = wav.readUInt32LE(24);
    const samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + (wav.length & ~1)));
    const window = rate / 10;
    let heard = 0;
    for (let at = 0; at + window <= samples.length; at += window) {
      if (share(samples.subarray(at, at + window), hz / rate) > 0.8) heard += 1;
    }
    if (heard < 5) throw new Error(`${heard / 10} s of ${hz} Hz in ${samples.length / rate} s of ${this.record}`);
    return `${heard / 10} s of it in ${(samples.length / rate).toFixed(1)} s`;
  }

  /** Runs a command that ends by itself; its exit code. */
  async runToEnd(...words) {
    this.#run(...words);
    return this.#exit;
  }

  async close() {
    this.#process?.kill('SIGTERM');
    await this.#exit;
  }

  #run(command, ...words) {
    const child = run([command, ...words.map(String), ...this.account], this.journal);
    this.#process = child;
    this.#exit = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  #say(order) {
    this.#process.stdin.write(`${order}\n`);
  }
}

/** The exchange of the `offhook` command. */
export class Exchange {
  #process = null;
  #exit = null;
  journal = new Journal('offhook exchange');

  async start(users) {
    const options = ['--listen', '127.0.0.1:0', '--realm', 'interop.test', '--json'];
    for (const user of users) options.push('--user', `${user}:${user}-pw`);
    this.#process = run(['exchange', ...options], this.journal);
    this.#exit = new Promise((resolve) => this.#process.once('close', resolve));
    const { ws } = await this.journal.first('listening', ({ event }) => event === 'listening');
    this.url = ws;
  }

  async close() {
    this.#process?.kill('SIGTERM');
    await this.#exit;
  }
}

/** Starts the command; what it prints goes into the journal. */
function run(words, journal) {
  const child = keep(spawn(COMMAND, words, { stdio: 'pipe' }));
  child.once('error', (error) => journal.push({ event: 'spawn_failed', text: error.message }));
  child.stdin.on('error', () => journal.push({ event: 'stdin_closed' }));
  createInterface({ input: child.stdout }).on('line', (line) => journal.push(read(line)));
  createInterface({ input: child.stderr }).on('line', (text) => journal.push({ event: 'stderr', text }));
  child.once('close', (code) => journal.push({ event: 'exit', code }));
  return child;
}

function read(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { event: 'not_json', text: line };
  }
}
