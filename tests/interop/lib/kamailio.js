// Kamailio on a loopback port of its own, which can be frozen, killed and started again.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Journal } from './journal.js';
import { keep, patiently } from './processes.js';

export class Kamailio {
  #process = null;

  constructor(folder, port) {
    this.folder = join(folder, 'kamailio');
    this.port = port;
    this.url = `ws://127.0.0.1:${port}`;
    this.journal = new Journal('Kamailio');
    mkdirSync(this.folder, { recursive: true });
    const template = readFileSync(new URL('../kamailio.cfg', import.meta.url), 'utf8');
    writeFileSync(join(this.folder, 'kamailio.cfg'), template.replaceAll('@PORT@', port));
  }

  async start() {
    const options = ['-f', join(this.folder, 'kamailio.cfg'), '-DD', '-E', '-m', '64', '-M', '8', '-Y', this.folder];
    // A group of its own: Kamailio forks, and the group is frozen and killed as one.
    const child = spawn('kamailio', options, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    this.#process = keep(child, { group: true });
    createInterface({ input: child.stderr }).on('line', (line) => this.#read(line));
    await patiently('Kamailio answers', async () => this.#process?.exitCode === null && (await this.uptime()) !== null);
  }

  /** As a crash: nothing is said to anybody. */
  async kill() {
    const child = this.#process;
    this.#process = null;
    const gone = new Promise((resolve) => child.once('close', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  }

  /** Connections stand, and nothing is answered. */
  freeze() {
    process.kill(-this.#process.pid, 'SIGSTOP');
  }

  /** How many requests of a method came from a user. */
  seen(method, user, since = 0) {
    return this.journal.since(since, (event) => event.seen === method && event.user === user).length;
  }

  async uptime() {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'core.uptime' });
    const signal = AbortSignal.timeout(2000);
    const headers = { 'Content-Type': 'application/json' };
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/RPC`, { method: 'POST', headers, body, signal });
      return response.ok ? (await response.json()).result.uptime : null;
    } catch {
      return null;
    }
  }

  #read(line) {
    const seen = line.match(/seen (\w+) (\S+)/);
    if (seen) this.journal.push({ seen: seen[1], user: seen[2] });
    else if (/ERROR|CRITICAL/.test(line)) this.journal.push({ log: line.trim() });
  }
}
