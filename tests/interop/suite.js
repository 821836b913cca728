// Proves that phones of other makers and ours understand one another through a proxy that others wrote.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from './lib/browser.js';
import { Kamailio } from './lib/kamailio.js';
import { endAll, freePort } from './lib/processes.js';
import { check, story, sum } from './lib/report.js';
import { whole } from './scenarios/call.js';

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const folder = mkdtempSync(join(tmpdir(), 'offhook-interop-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const kamailio = new Kamailio(folder, await freePort());
await check('Kamailio is up', () => kamailio.start());
let browser;
await check('Chromium is up', async () => {
  browser = await Browser.start();
  return browser.chrome.version();
});

await story('JsSIP calls JsSIP: the harness itself', async () => {
  const [alice, bob] = [await browser.phone('alice', 440), await browser.phone('bob', 880)];
  await check('both register', () => Promise.all([alice.register(kamailio.url), bob.register(kamailio.url)]));
  await whole(alice, bob, 'caller');
  await Promise.all([alice.close(), bob.close()]);
});

await Promise.all([browser.stop(), kamailio.kill()]);
process.exit(sum() ? 0 : 1);
