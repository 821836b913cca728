// Two instances of one program call each other through the exchange of offhook, over UDP.

import { setTimeout as pause } from 'node:timers/promises';
import { check } from '../lib/report.js';
import { hangUp } from './call.js';

/** Registers both, lets each call the other, and unregisters both. */
export async function eachOther(exchange, alice, bob) {
  // At the same time: linphonec drops its registration 5 s after its start when there is no address but loopback.
  await Promise.all([alice, bob].map((phone) => register(exchange, phone)));
  await call(exchange, alice, bob, 'caller');
  await call(exchange, bob, alice, 'callee');
  await Promise.all([alice, bob].map((phone) => unregister(exchange, phone)));
}

async function register(exchange, phone) {
  await check(`${phone.name} registers over UDP`, async () => {
    const mark = exchange.journal.mark;
    await phone.register(exchange.udp);
    return exchange.registered(phone.user, mark);
  });
}

async function unregister(exchange, phone) {
  await check(`${phone.name} unregisters and exits`, async () => {
    const mark = exchange.journal.mark;
    phone.quit();
    await exchange.unregistered(phone.user, mark);
    await phone.left();
  });
}

/** `from` is the end that hangs up: `caller` or `callee`. */
async function call(exchange, caller, callee, from) {
  const marks = { caller: caller.journal.mark, callee: callee.journal.mark, exchange: exchange.journal.mark };
  await check(`${caller.name} calls ${callee.name}, which rings`, async () => {
    caller.call(callee);
    await callee.ringing(marks.callee);
  });
  await check(`${callee.name} answers and receives the ACK`, async () => {
    callee.answer();
    await Promise.all([caller.established(marks.caller), callee.established(marks.callee)]);
    await callee.acknowledged(marks.callee);
  });
  for (const [phone, other] of [[caller, callee], [callee, caller]]) {
    await check(`${phone.name} receives ${other.hz} Hz by RTP`, () => phone.hearsTone(other.hz));
  }
  await check('the call stays up for another second', async () => {
    await pause(1000);
    for (const [phone, mark] of [[caller, marks.caller], [callee, marks.callee]]) {
      if (phone.journal.since(mark, ({ event }) => event === 'ended').length) throw new Error(`${phone.name} ended it`);
    }
  });
  if (from === 'caller') await hangUp(caller, callee, { one: marks.caller, other: marks.callee });
  else await hangUp(callee, caller, { one: marks.callee, other: marks.caller });
  await check('both ends are idle', () => Promise.all([caller.idle(), callee.idle()]).then(() => undefined));
  await check('the exchange reports the call', () => exchange.carried(marks.exchange));
}
