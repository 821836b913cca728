// Chromium with JsSIP and SIP.js in it: one browser, one page a phone.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { Peer } from './peer.js';

/** The script of each kind of phone. */
const SCRIPTS = { JsSIP: 'jssip.js', 'SIP.js': 'sipjs.js' };

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
];

export class Browser {
  static async start() {
    const page = (name) => fileURLToPath(new URL(`../page/${name}`, import.meta.url));
    const script = async (name) => {
      const bundle = await build({ entryPoints: [page(name)], bundle: true, write: false, format: 'iife' });
      return ['text/javascript', bundle.outputFiles[0].contents];
    };
    // What runs on the audio thread is a script of its own.
    const files = { '/keys.js': await script('keys.js') };
    const html = readFileSync(page('index.html'), 'utf8');
    for (const [kind, name] of Object.entries(SCRIPTS)) {
      files[`/${kind}`] = ['text/html', html.replace('@KIND@', kind).replace('@SCRIPT@', name)];
      files[`/${name}`] = await script(name);
    }
    const server = createServer((request, response) => {
      const [type, content] = files[request.url] ?? ['text/plain', ''];
      response.writeHead(content ? 200 : 404, { 'Content-Type': type }).end(content);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
    const chrome = await chromium.launch({ executablePath, args: FLAGS, headless: true, timeout: 120_000 });
    return new Browser(server, chrome);
  }

  constructor(server, chrome) {
    this.server = server;
    this.chrome = chrome;
  }

  /** A page that holds a phone, not registered yet. `kind` is `JsSIP` or `SIP.js`, `options` go to its script. */
  async phone(user, hz, kind, options) {
    const page = await this.chrome.newPage();
    // The microphone is an oscillator, but only a page that may use one offers all its addresses, by number.
    await page.context().grantPermissions(['microphone']);
    const phone = new BrowserPhone(kind, user, hz, page, options);
    await page.exposeFunction('report', (event) => phone.journal.push(event));
    page.on('pageerror', (error) => phone.journal.push({ event: 'page_error', text: String(error) }));
    page.on('crash', () => phone.journal.push({ event: 'page_error', text: 'the page crashed' }));
    await page.goto(`http://127.0.0.1:${this.server.address().port}/${kind}`);
    return phone;
  }

  async stop() {
    await this.chrome.close();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

class BrowserPhone extends Peer {
  constructor(kind, user, hz, page, options) {
    super(kind, user, hz);
    this.page = page;
    this.options = options;
  }

  async register(url, password = `${this.user}-pw`) {
    const { address, hz } = this;
    await this.#ask('start', { url, address, password, hz, ...this.options });
    await this.registered();
  }

  call(peer) {
    return this.#ask('call', peer.address);
  }

  /** Answers a call that the page does not answer by itself. */
  answer() {
    return this.#ask('answer');
  }

  /** Changes its tone. */
  speak(hz) {
    this.hz = hz;
    return this.#ask('speak', hz);
  }

  /** The ICE user fragments of the candidate pair in use, its own and the peer's. */
  pair() {
    return this.page.evaluate(() => window.phone.pair());
  }

  /** The first SIP message from `since` on that passed its WebSocket and has these fields. */
  message(what, fields, since) {
    const has = (event) => Object.entries(fields).every(([name, value]) => event[name] === value);
    return this.journal.first(what, (event) => event.event === 'sip' && has(event), { since });
  }

  messages(since) {
    return this.journal.since(since, ({ event }) => event === 'sip');
  }

  /** Waits until the page reports that the peer holds, or resumes. */
  heldByPeer(held, since) {
    const word = held ? 'hold' : 'resume';
    return this.journal.first(`${word} by the peer`, ({ event, by }) => event === word && by === 'remote', { since });
  }

  hold() {
    return this.#ask('hold');
  }

  resume() {
    return this.#ask('resume');
  }

  /** Restarts ICE, and waits until the peer has accepted it. */
  restart() {
    return this.#ask('restart');
  }

  /** `path` is `rtp` or `info`. */
  digits(digits, path) {
    return this.#ask('digits', digits, path);
  }

  hangUp() {
    return this.#ask('hangUp');
  }

  transfer(peer) {
    return this.#ask('transfer', peer.address);
  }

  close() {
    return this.page.close();
  }

  #ask(method, ...values) {
    const ask = async ([method, values]) => {
      await window.phone[method](...values);
    };
    return this.page.evaluate(ask, [method, values]);
  }
}
