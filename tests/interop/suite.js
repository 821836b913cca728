// Proves that phones of other makers and ours understand one another through a proxy that others wrote.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from './lib/browser.js';
import { Kamailio } from './lib/kamailio.js';
import { CommandPhone } from './lib/offhook.js';
import { endAll, freePort } from './lib/processes.js';
import { check, story, sum } from './lib/report.js';
import { connect, hangUp, whole } from './scenarios/call.js';
import { killedAround, killedInCall, wrongPassword } from './scenarios/registration.js';

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

/** A browser's phone that is registered. */
async function theirs(user, hz) {
  const phone = await browser.phone(user, hz);
  await check(`${phone.name} registers`, () => phone.register(kamailio.url));
  return phone;
}

/** The command, not started yet. */
function ours(user, hz, password) {
  return new CommandPhone(user, hz, { url: kamailio.url, password });
}

await story('JsSIP calls JsSIP: the harness itself', async () => {
  const [alice, bob] = [await theirs('alice', 440), await theirs('bob', 880)];
  await whole(alice, bob, 'caller');
  await Promise.all([alice.close(), bob.close()]);
});

for (const from of ['caller', 'callee']) {
  await story(`offhook calls JsSIP, the ${from} hangs up`, async () => {
    const [alice, bob] = [ours('alice', 440), await theirs('bob', 880)];
    await whole(alice, bob, from);
    await Promise.all([alice.close(), bob.close()]);
  });
  await story(`JsSIP calls offhook, the ${from} hangs up`, async () => {
    const [alice, bob] = [await theirs('alice', 440), ours('bob', 880)];
    await check(`${bob.name} registers`, () => bob.listen());
    await whole(alice, bob, from);
    await Promise.all([alice.close(), bob.close()]);
  });
}

await story('a wrong password', () => wrongPassword(kamailio, ours('alice', 440, 'wrong')));

await story('Kamailio is killed during a registration', async () => {
  const bob = ours('bob', 880);
  await killedAround(kamailio, bob);
  await bob.close();
});

await story('Kamailio is killed while JsSIP calls offhook', async () => {
  const [alice, bob] = [await theirs('alice', 440), ours('bob', 880)];
  await check(`${bob.name} registers`, () => bob.listen());
  await killedInCall(kamailio, alice, bob);
  await alice.close();
  const carol = await theirs('carol', 660);
  const marks = await connect(carol, bob);
  await hangUp(carol, bob, { one: marks.caller, other: marks.callee });
  await Promise.all([carol.close(), bob.close()]);
});

await story('Kamailio is killed while offhook calls JsSIP', async () => {
  const [alice, bob] = [ours('alice', 440), await theirs('bob', 880)];
  await killedInCall(kamailio, alice, bob);
  await Promise.all([alice.close(), bob.close()]);
});

await Promise.all([browser.stop(), kamailio.kill()]);
process.exit(sum() ? 0 : 1);
