// The `offhook` command as a phone: one process each, events as JSON lines, orders by standard input.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Journal } from './journal.js';
import { freeUdpPort, keep } from './processes.js';
import { Peer } from './peer.js';
import { secondsOfTone } from './wav.js';

const COMMAND = process.env.OFFHOOK;

export class CommandPhone extends Peer {
  #process = null;
  #exit = null;

  constructor(user, hz, { url, folder, password = `${user}-pw`, options = [] }) {
    super('offhook', user, hz);
    this.record = join(folder, `${user}.wav`);
    this.account = ['--server', url, '--realm', 'interop.test', '--user', user, '--password', password];
    this.account.push('--json', ...options);
  }

  /** Is registered and answers every call at once; with other options of `offhook answer`, `answer` answers it. */
  async listen(how = ['--auto']) {
    const mark = this.journal.mark;
    this.#run('answer', ...how, '--tone', this.hz, '--record', this.record);
    await this.registered(mark);
  }

  call(peer) {
    this.#run('call', peer.address, '--tone', this.hz, '--record', this.record);
  }

  ringing(since) {
    return this.journal.first('incoming call', ({ event }) => event === 'incoming', { since });
  }

  earlyMedia() {
    this.#say('early-media');
  }

  answer() {
    this.#say('answer');
  }

  /** Changes its tone. */
  speak(hz) {
    this.hz = hz;
    this.#say(`tone ${hz}`);
  }

  /** Restarts ICE, and waits until the peer has accepted it. */
  async restart() {
    const mark = this.journal.mark;
    this.#say('restart');
    const isOutcome = ({ event }) => event === 'restarted';
    const { accepted, code } = await this.journal.first('restarted', isOutcome, { since: mark });
    if (!accepted) throw new Error(`the restart was refused with ${code}`);
  }

  /** Waits until the peer holds, or resumes. */
  heldByPeer(held, since) {
    const fits = ({ event, remote }) => event === 'hold' && remote === held;
    return this.journal.first(`${held ? 'hold' : 'resume'} by the peer`, fits, { since });
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

  /** Accepts the transfer that the peer requests. */
  async consent(since) {
    const isRequest = ({ event }) => event === 'transfer_requested';
    const { request } = await this.journal.first('transfer requested', isRequest, { since });
    this.#say(`accept-transfer ${request}`);
  }

  /** Waits for the recording of a call that ended, and looks for half a second of a tone in it. */
  async recorded(hz, since) {
    await this.journal.first('recording', ({ event }) => event === 'recorded', { since });
    const { tone, all } = secondsOfTone(this.record, hz);
    if (tone < 0.5) throw new Error(`${tone} s of ${hz} Hz in ${all} s of ${this.record}`);
    return `${tone} s of it in ${all.toFixed(1)} s`;
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

  /** With `udp` it listens on UDP too, and challenges with MD5 alone, for phones that know no other algorithm. */
  async start(users, { udp = false } = {}) {
    const options = ['--listen', '127.0.0.1:0', '--realm', 'interop.test', '--json'];
    if (udp) options.push('--udp', `127.0.0.1:${await freeUdpPort()}`, '--algorithm', 'md5');
    for (const user of users) options.push('--user', `${user}:${user}-pw`);
    this.#process = run(['exchange', ...options], this.journal);
    this.#exit = new Promise((resolve) => this.#process.once('close', resolve));
    const { ws, udp: datagrams } = await this.journal.first('listening', ({ event }) => event === 'listening');
    this.url = ws;
    // `IP:PORT`.
    this.udp = datagrams?.replace('udp://', '');
  }

  /** Waits for the registration of a user; returns its Contact. */
  async registered(user, since) {
    const fits = ({ event, user: registered }) => event === 'registered' && registered === user;
    return (await this.journal.first(`registration of ${user}`, fits, { since })).contact;
  }

  /** Waits until a user has removed its Contact. */
  async unregistered(user, since) {
    const fits = ({ event, user: gone, why }) => event === 'unregistered' && gone === user && why === 'removed';
    await this.journal.first(`end of the registration of ${user}`, fits, { since });
  }

  /** Waits for the end of a call, and fails unless it was offered, rang, was answered and ended, each once. */
  async carried(since) {
    const steps = () => this.journal.since(since, ({ event }) => event === 'call').map(({ step }) => step);
    await this.journal.settle('end of the call', () => steps().includes('ended'));
    const all = steps().join(', ');
    if (all !== 'offered, ringing, answered, ended') throw new Error(`the exchange reported: ${all}`);
    return all;
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
