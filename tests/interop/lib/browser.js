// Chromium with JsSIP in it: one browser, one page a phone.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { Peer } from './peer.js';

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
    const files = {
      '/': ['text/html', readFileSync(page('index.html'))],
      '/phone.js': await script('phone.js'),
      // What runs on the audio thread is a script of its own.
      '/keys.js': await script('keys.js'),
    };
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

  /** A page that holds a phone, not registered yet. */
  async phone(user, hz) {
    const page = await this.chrome.newPage();
    // The microphone is an oscillator, but only a page that may use one offers all its addresses, by number.
    await page.context().grantPermissions(['microphone']);
    const phone = new BrowserPhone(user, hz, page);
    await page.exposeFunction('report', (event) => phone.journal.push(event));
    page.on('pageerror', (error) => phone.journal.push({ event: 'page_error', text: String(error) }));
    page.on('crash', () => phone.journal.push({ event: 'page_error', text: 'the page crashed' }));
    await page.goto(`http://127.0.0.1:${this.server.address().port}/`);
    return phone;
  }

  async stop() {
    await this.chrome.close();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

class BrowserPhone extends Peer {
  constructor(user, hz, page) {
    super('JsSIP', user, hz);
    this.page = page;
  }

  async register(url, password = `${this.user}-pw`) {
    const { address, hz } = this;
    await this.#ask('start', { url, address, password, hz });
    await this.registered();
  }

  call(peer) {
    return this.#ask('call', peer.address);
  }

  hold() {
    return this.#ask('hold');
  }

  resume() {
    return this.#ask('resume');
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
