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
import { unusableOffers } from './scenarios/refusal.js';
import { earlyMediaOfOffhook, earlyMediaOfTheirs } from './scenarios/reliable.js';
import { killedAround, killedInCall, wrongPassword } from './scenarios/registration.js';
import { renegotiated } from './scenarios/renegotiation.js';
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

/** A browser's phone that is registered; `options` go to its script. */
async function theirs(user, hz, { url = kamailio.url, kind = 'JsSIP', ...options } = {}) {
  const phone = await browser.phone(user, hz, kind, options);
  opened.push(phone);
  await check(`${phone.name} registers`, () => phone.register(url));
  return phone;
}

/** The command, not started yet. */
function ours(user, hz, { url = kamailio.url, password, options } = {}) {
  const phone = new CommandPhone(user, hz, { url, folder, password, options });
  opened.push(phone);
  return phone;
}

/** The command, registered and answering; `how` as in `CommandPhone.listen`. */
async function listening(user, hz, { how, ...account } = {}) {
  const phone = ours(user, hz, account);
  await check(`${phone.name} registers`, () => phone.listen(how));
  return phone;
}

/** Our exchange, which listens on UDP. */
async function datagrams() {
  const exchange = new Exchange();
  opened.push(exchange);
  await check('the exchange is up, with UDP', () => exchange.start(['alice', 'bob'], { udp: true }));
  return exchange;
}

const wanted = new RegExp(process.env.INTEROP_ONLY ?? '');

/** One story, with its phones put away at its end, so that they take no part in the next. */
async function tell(name, body) {
  if (!wanted.test(name)) return;
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

for (const [reliable, options, how] of [
  ['supported', ['--reliable'], []],
  ['required', [], ['--early-media']],
]) {
  await tell(`SIP.js with 100rel ${reliable} calls offhook, which sends early media`, async () => {
    const bob = await listening('bob', 880, { options, how });
    const alice = await theirs('alice', 440, { kind: 'SIP.js', reliable });
    await earlyMediaOfOffhook(alice, bob, { byOrder: how.length === 0 });
  });
}

await tell('SIP.js with 100rel required calls offhook without an offer', async () => {
  const bob = await listening('bob', 880, { how: ['--early-media'] });
  const alice = await theirs('alice', 440, { kind: 'SIP.js', reliable: 'required', isLate: true });
  await earlyMediaOfOffhook(alice, bob, { isLate: true });
});

await tell('JsSIP, which does not know 100rel, calls offhook, which sends early media', async () => {
  const bob = await listening('bob', 880, { options: ['--reliable'], how: ['--early-media'] });
  await earlyMediaOfOffhook(await theirs('alice', 440), bob, { reliable: false });
});

await tell('offhook calls SIP.js, which sends a reliable response with early media', async () => {
  const bob = await theirs('bob', 880, { kind: 'SIP.js', reliable: 'supported' });
  await earlyMediaOfTheirs(ours('alice', 440), bob, kamailio);
});

// SIP.js allows no UPDATE, so offhook uses a re-INVITE although it is told to prefer UPDATE.
for (const [kind, by, method] of [
  ['JsSIP', 'update', 'UPDATE'],
  ['JsSIP', 'reinvite', 'INVITE'],
  ['SIP.js', 'update', 'INVITE'],
]) {
  const options = ['--renegotiate-by', by];
  const page = (user, hz) => theirs(user, hz, { kind, updates: method === 'UPDATE' });
  await tell(`offhook calls ${kind}, with hold and ICE restart by ${method}`, async () => {
    const bob = await page('bob', 880);
    await renegotiated(ours('alice', 440, { options }), bob, bob, method);
  });
  await tell(`${kind} calls offhook, with hold and ICE restart by ${method}`, async () => {
    const bob = await listening('bob', 880, { options });
    const alice = await page('alice', 440);
    await renegotiated(alice, bob, alice, method);
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
  const bob = await theirs('bob', 880, { url: exchange.url });
  await whole(ours('alice', 440, { url: exchange.url }), bob, 'caller');
  await whole(bob, await listening('carol', 660, { url: exchange.url }), 'caller');
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

await tell('sipp calls offhook with offers that it cannot use', async () => {
  const exchange = await datagrams();
  const alice = new Sipp('alice', exchange.udp, folder);
  opened.push(alice);
  await unusableOffers(exchange, alice, await listening('bob', 880, { url: exchange.url, how: [] }));
});

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
