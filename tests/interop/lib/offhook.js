// The `offhook` command as a phone: one process each, events as JSON lines, orders by standard input.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { keep } from './processes.js';
import { Peer } from './peer.js';

const COMMAND = process.env.OFFHOOK;

export class CommandPhone extends Peer {
  #process = null;
  #exit = null;

  constructor(user, hz, { url, password = `${user}-pw` }) {
    super('offhook', user, hz);
    this.account = ['--server', url, '--realm', 'interop.test', '--user', user, '--password', password, '--json'];
  }

  /** Is registered and answers every call. */
  async listen() {
    const mark = this.journal.mark;
    this.#run('answer', '--auto', '--tone', this.hz);
    await this.registered(mark);
  }

  call(peer) {
    this.#run('call', peer.address, '--tone', this.hz, '--duration', 600);
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
    const child = spawn(COMMAND, [command, ...words.map(String), ...this.account], { stdio: 'pipe' });
    this.#process = keep(child);
    this.#exit = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    child.once('error', (error) => this.journal.push({ event: 'spawn_failed', text: error.message }));
    child.stdin.on('error', () => this.journal.push({ event: 'stdin_closed' }));
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
    createInterface({ input: child.stderr }).on('line', (text) => this.journal.push({ event: 'stderr', text }));
    this.#exit.then((code) => this.journal.push({ event: 'exit', code }));
  }

  #say(order) {
    this.#process.stdin.write(`${order}\n`);
  }

  #read(line) {
    try {
      this.journal.push(JSON.parse(line));
    } catch {
      this.journal.push({ event: 'not_json', text: line });
    }
  }
}
