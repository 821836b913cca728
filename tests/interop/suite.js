// Proves that phones of other makers and ours understand one another through a proxy that others wrote.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Baresip } from './lib/baresip.js';
import { Browser } from './lib/browser.js';
import { Kamailio } from './lib/kamailio.js';
import { Linphone } from './lib/linphone.js';
import { CommandPhone, Exchange } from './lib/offhook.js';
import { endAll, freePort } from './lib/processes.js';
import { check, story, sum } from './lib/report.js';
import { Sipp } from './lib/sipp.js';
import { blindTransfer, connect, hangUp, whole } from './scenarios/call.js';
import { eachOther } from './scenarios/exchange.js';
import { killedAround, killedInCall, wrongPassword } from './scenarios/registration.js';
import { answerToTheVia, callBetweenRuns } from './scenarios/sipp.js';

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

const opened = [];

/** A browser's phone that is registered. */
async function theirs(user, hz, url = kamailio.url) {
  const phone = await browser.phone(user, hz);
  opened.push(phone);
  await check(`${phone.name} registers`, () => phone.register(url));
  return phone;
}

/** The command, not started yet. */
function ours(user, hz, { url = kamailio.url, password } = {}) {
  const phone = new CommandPhone(user, hz, { url, folder, password });
  opened.push(phone);
  return phone;
}

/** The command, registered and answering. */
async function listening(user, hz, url = kamailio.url) {
  const phone = ours(user, hz, { url });
  await check(`${phone.name} registers`, () => phone.listen());
  return phone;
}

/** Our exchange, which listens on UDP. */
async function datagrams() {
  const exchange = new Exchange();
  opened.push(exchange);
  await check('the exchange is up, with UDP', () => exchange.start(['alice', 'bob'], { udp: true }));
  return exchange;
}

/** One story, with its phones put away at its end, so that they take no part in the next. */
async function tell(name, body) {
  await story(name, body);
  await Promise.all(opened.splice(0).map((phone) => phone.close()));
}

await tell('JsSIP calls JsSIP: the harness itself', async () => {
  await whole(await theirs('alice', 440), await theirs('bob', 880), 'caller');
});

for (const from of ['caller', 'callee']) {
  await tell(`offhook calls JsSIP, the ${from} hangs up`, async () => {
    await whole(ours('alice', 440), await theirs('bob', 880), from);
  });
  await tell(`JsSIP calls offhook, the ${from} hangs up`, async () => {
    await whole(await theirs('alice', 440), await listening('bob', 880), from);
  });
}

await tell('offhook transfers JsSIP to offhook', async () => {
  await blindTransfer(ours('alice', 440), await theirs('bob', 880), await listening('carol', 660));
});

await tell('JsSIP transfers offhook to JsSIP', async () => {
  await blindTransfer(await theirs('alice', 440), await listening('bob', 880), await theirs('carol', 660));
});

await tell('JsSIP and offhook call one another through the exchange of offhook', async () => {
  const exchange = new Exchange();
  opened.push(exchange);
  await check('the exchange is up', () => exchange.start(['alice', 'bob', 'carol']));
  const bob = await theirs('bob', 880, exchange.url);
  await whole(ours('alice', 440, { url: exchange.url }), bob, 'caller');
  await whole(bob, await listening('carol', 660, exchange.url), 'caller');
});

for (const Phone of [Baresip, Linphone]) {
  const [alice, bob] = [new Phone('alice', 440, folder), new Phone('bob', 880, folder)];
  await tell(`two instances of ${alice.kind} call each other through the exchange of offhook`, async () => {
    opened.push(alice, bob);
    await eachOther(await datagrams(), alice, bob);
  });
}

for (const [name, body] of [
  ['sipp calls sipp through the exchange of offhook', (...all) => callBetweenRuns(...all, { elsewhere: false })],
  ['the same, and the callee has registered from another port', (...all) => callBetweenRuns(...all, { elsewhere: true })],
  ['sipp asks the exchange of offhook from one port and listens on another', answerToTheVia],
]) {
  await tell(name, async () => {
    const exchange = await datagrams();
    const [alice, bob] = ['alice', 'bob'].map((user) => new Sipp(user, exchange.udp, folder));
    opened.push(alice, bob);
    await body(exchange, alice, bob);
  });
}

await tell('a wrong password', () => wrongPassword(kamailio, ours('alice', 440, { password: 'wrong' })));

await tell('Kamailio is killed during a registration', () => killedAround(kamailio, ours('bob', 880)));

await tell('Kamailio is killed while JsSIP calls offhook', async () => {
  const bob = await listening('bob', 880);
  await killedInCall(kamailio, await theirs('alice', 440), bob);
  const carol = await theirs('carol', 660);
  const marks = await connect(carol, bob);
  await hangUp(carol, bob, { one: marks.caller, other: marks.callee });
});

await tell('Kamailio is killed while offhook calls JsSIP', async () => {
  await killedInCall(kamailio, ours('alice', 440), await theirs('bob', 880));
});

await Promise.all([browser.stop(), kamailio.kill()]);
process.exit(sum() ? 0 : 1);
