// sipp: a run plays one scenario of the folder `sipp` once, and its exit code says whether each message was as expected.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE } from './journal.js';
import { freeUdpPort, keep, patiently } from './processes.js';

export class Sipp {
  #children = [];

  /** `exchange` is its `IP:PORT` for UDP. */
  constructor(user, exchange, folder) {
    this.user = user;
    this.name = `${user} (sipp)`;
    this.exchange = exchange;
    this.home = mkdtempSync(join(folder, `sipp-${user}-`));
  }

  /**
   * Plays a scenario on a local port, with values for the words that it leaves open; `texts` replaces its `@NAME@`s,
   * where a word of sipp cannot stand or would be too short. `asked` is the Request-URI without
   * `sip:`, for the digest: sipp's default is the server's address, which the exchange refuses (RFC 7616 §3.4.6). Fails
   * unless sipp ends with exit code 0.
   */
  async play(scenario, port, { words = {}, texts = {}, asked = 'interop.test' } = {}) {
    const [control, media] = [await freeUdpPort(), await freeUdpPort()];
    const file = this.#scenario(scenario, texts);
    const options = [this.exchange, '-sf', file, '-m', 1, '-nostdin', '-s', this.user];
    options.push('-i', '127.0.0.1', '-p', port, '-bind_local', '-ci', '127.0.0.1', '-cp', control);
    options.push('-mi', '127.0.0.1', '-mp', media);
    options.push('-au', this.user, '-ap', `${this.user}-pw`, '-auth_uri', asked);
    options.push('-timeout', `${PATIENCE}ms`, '-timeout_error', '-trace_err', '-error_file', `${scenario}.errors`);
    options.push('-trace_logs', '-log_file', `${scenario}.steps`);
    for (const [word, value] of Object.entries(words)) options.push('-key', word, value);
    const child = keep(spawn('sipp', options.map(String), { cwd: this.home, stdio: 'ignore' }));
    this.#children.push(child);
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`sipp ${scenario} of ${this.user}: exit code ${code}\n${this.#file(`${scenario}.errors`)}`);
  }

  /** Waits until a run has opened its port: sipp does not say when it is ready. */
  async listens(port) {
    const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    await patiently(`${this.name} listens`, () => readFileSync('/proc/net/udp', 'latin1').includes(local));
  }

  /** The steps that a scenario logged, in order. */
  steps(scenario) {
    return this.#file(`${scenario}.steps`).trim().split('\n').join(', ');
  }

  async close() {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  /** A copy with its texts filled in. */
  #scenario(name, texts) {
    let xml = readFileSync(new URL(`../sipp/${name}.xml`, import.meta.url), 'latin1');
    for (const [word, text] of Object.entries(texts)) xml = xml.replaceAll(`@${word}@`, text);
    const file = join(this.home, `${name}.xml`);
    writeFileSync(file, xml, 'latin1');
    return file;
  }

  #file(name) {
    const file = join(this.home, name);
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }
}
