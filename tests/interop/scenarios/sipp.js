// Pairs of sipp runs call each other through the exchange of offhook. No Via has rport, as in the scenarios that sipp brings.

import { freeUdpPort } from '../lib/processes.js';
import { check } from '../lib/report.js';

/**
 * A call from alice to bob. The callee is a run of its own, on the port of bob's Contact; `elsewhere` says whether bob
 * registers from another port than that.
 */
export async function callBetweenRuns(exchange, alice, bob, { elsewhere }) {
  const [caller, callee] = [await freeUdpPort(), await freeUdpPort()];
  const registrar = elsewhere ? await freeUdpPort() : callee;
  await register(exchange, alice, caller, caller);
  await register(exchange, bob, registrar, callee);
  const mark = exchange.journal.mark;
  await check(`${alice.name} calls ${bob.name}, keeps the call for a second and hangs up`, async () => {
    const answered = bob.play('callee', callee);
    // The caller may fail first.
    answered.catch(() => {});
    await bob.listens(callee);
    const words = { callee: bob.user };
    await Promise.all([answered, alice.play('caller', caller, { words, asked: `${bob.user}@interop.test` })]);
  });
  await check(`${bob.name} received the ACK before the BYE`, () => {
    const steps = bob.steps('callee');
    if (steps !== 'INVITE, ACK, BYE') throw new Error(`it received ${steps}`);
    return steps;
  });
  await check('the exchange reports the call', () => exchange.carried(mark));
  await unregister(exchange, alice, caller, caller);
  await unregister(exchange, bob, registrar, callee);
}

/** RFC 3261 §18.2.2: without rport, a response goes to the port of the Via, wherever the request came from. */
export async function answerToTheVia(exchange, alice, bob) {
  const [port, sentBy] = [await freeUdpPort(), await freeUdpPort()];
  await check('the response to a request without rport goes to the port of its Via', async () => {
    const answered = bob.play('listener', sentBy);
    answered.catch(() => {});
    await bob.listens(sentBy);
    await alice.play('asker', port, { words: { answer_port: sentBy } });
    await answered;
  });
}

async function register(exchange, sipp, from, contact) {
  const where = from === contact ? '' : ', from another port than that of its Contact';
  await check(`${sipp.name} registers${where}`, async () => {
    const mark = exchange.journal.mark;
    await sipp.play('register', from, { words: { contact_port: contact, expires: 60 } });
    return exchange.registered(sipp.user, mark);
  });
}

async function unregister(exchange, sipp, from, contact) {
  await check(`${sipp.name} unregisters`, async () => {
    const mark = exchange.journal.mark;
    await sipp.play('register', from, { words: { contact_port: contact, expires: 0 } });
    await exchange.unregistered(sipp.user, mark);
  });
}
