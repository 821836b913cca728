// Registrations that fail, and servers that die.

import { check } from '../lib/report.js';
import { connect } from './call.js';

/** One clear failure, and no storm of attempts. */
export async function wrongPassword(kamailio, phone) {
  const mark = kamailio.journal.mark;
  await check('a wrong password ends the command with an error', async () => {
    const code = await phone.runToEnd('register');
    if (code === 0) throw new Error('exit code 0');
    return `exit code ${code}`;
  });
  await check('it reports one failure', () => {
    const failures = phone.journal.since(0, ({ event }) => event === 'registration_failed');
    if (failures.length !== 1) throw new Error(`${failures.length} failures reported`);
    if (phone.journal.since(0, ({ event }) => event === 'registered').length) throw new Error('it says it registered');
    return JSON.stringify(failures[0]);
  });
  await check('at most two REGISTERs were sent', () => {
    const sent = kamailio.seen('REGISTER', phone.user, mark);
    if (sent < 1 || sent > 2) throw new Error(`${sent} were sent`);
    return `${sent}`;
  });
}

/** Kamailio dies while it owes an answer to a REGISTER, and again when the phone is registered. */
export async function killedAround(kamailio, phone) {
  await check('Kamailio freezes, the phone starts, Kamailio dies and returns: registered', async () => {
    kamailio.freeze();
    const registered = phone.listen();
    await phone.journal.settle('start', () => phone.journal.mark > 0);
    await kamailio.kill();
    await kamailio.start();
    await registered;
  });
  await restart(kamailio, [phone]);
}

/** Kills Kamailio and waits until the phones have registered with the next one. */
async function restart(kamailio, phones, meanwhile = async () => {}) {
  const marks = phones.map((phone) => phone.journal.mark);
  await check('Kamailio is killed', () => kamailio.kill());
  await meanwhile();
  await check('Kamailio is back', () => kamailio.start());
  for (const [i, phone] of phones.entries()) await check(`${phone.name} registers again`, () => phone.registered(marks[i]));
}

/** Kamailio dies in a call: the sound goes on, the phones return, and the next call works. */
export async function killedInCall(kamailio, caller, callee) {
  const marks = await connect(caller, callee);
  await restart(kamailio, [caller, callee], async () => {
    await check('the call goes on without it', async () => {
      await caller.hears(callee.hz);
      await callee.hears(caller.hz);
    });
  });
  await check('the sound still flows', async () => {
    await caller.hears(callee.hz);
    await callee.hears(caller.hz);
    for (const [phone, mark] of [[caller, marks.caller], [callee, marks.callee]]) {
      if (phone.journal.since(mark, ({ event }) => event === 'ended').length) throw new Error(`${phone.name} ended it`);
    }
  });
  // The new Kamailio does not know the way to the old connections, so a BYE may not arrive: each end hangs up.
  for (const [phone, mark] of [[caller, marks.caller], [callee, marks.callee]]) {
    await check(`${phone.name} ends the call`, async () => {
      const endings = () => phone.journal.since(mark, ({ event }) => event === 'ended').length;
      if (endings() === 0) await phone.hangUp();
      await phone.ended(mark);
      if (endings() !== 1) throw new Error(`${endings()} endings`);
    });
  }
}
