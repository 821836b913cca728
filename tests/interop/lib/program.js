// A phone that is a program of its own, with its state in a folder of its own.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { keep, patiently } from './processes.js';
import { Peer } from './peer.js';
import { secondsOfTone } from './wav.js';

/** The subclass names the command, and turns a line into journal entries in `read`. */
export class Program extends Peer {
  #child = null;
  #exit = null;
  /** How many calls are over. */
  calls = 0;

  constructor(kind, user, hz, folder) {
    super(kind, user, hz);
    this.home = join(folder, `${kind}-${user}`);
    mkdirSync(this.home, { recursive: true });
  }

  run(command, options) {
    const env = { ...process.env, HOME: this.home, XDG_RUNTIME_DIR: this.home };
    const child = keep(spawn(command, options, { cwd: this.home, env }));
    this.#child = child;
    this.#exit = new Promise((resolve) => child.once('close', resolve));
    child.once('error', (error) => this.journal.push({ event: 'spawn_failed', text: error.message }));
    child.stdin.on('error', () => this.journal.push({ event: 'stdin_closed' }));
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => this.read(line));
    child.once('close', (code) => this.journal.push({ event: 'exit', code }));
  }

  say(order) {
    this.#child.stdin.write(`${order}\n`);
  }

  ringing(since) {
    return this.journal.first('incoming call', ({ event }) => event === 'ringing', { since });
  }

  /** Waits until the callee has received the ACK. */
  acknowledged(since) {
    return this.journal.first('ACK', ({ event }) => event === 'acknowledged', { since });
  }

  /** Waits until the recording of this call, which is written while the call is up, holds half a second of a tone. */
  async hearsTone(hz) {
    let found = 'no recording';
    await patiently(`${hz} Hz at ${this.name}`, () => {
      const file = this.recording();
      const { tone, all } = file && existsSync(file) ? secondsOfTone(file, hz) : { tone: 0, all: 0 };
      found = `${tone} s of it in ${all.toFixed(1)} s`;
      return tone >= 0.5;
    });
    return found;
  }

  /** Waits until the program states that it has no call: the call is over. */
  async idle() {
    const mark = this.journal.mark;
    this.askForCalls();
    await this.journal.first('statement that there is no call', ({ event }) => event === 'idle', { since: mark });
    this.calls += 1;
  }

  /** Waits for the end of the program, and fails unless it ended without an error. */
  async left() {
    await this.journal.settle('exit', () => this.journal.since(0, ({ event }) => event === 'exit')[0]);
    const code = await this.#exit;
    if (code !== 0) throw new Error(`${this.name} ended with exit code ${code}`);
  }

  async close() {
    this.#child?.kill('SIGKILL');
    await this.#exit;
  }
}
