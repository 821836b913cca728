// Hold, resume and restart of ICE between offhook and a page, with the request that carries them.

import { patiently } from '../lib/processes.js';
import { check } from '../lib/report.js';
import { connect, hangUp, hearEachOther } from './call.js';

/** A call in which both ends hold and restart ICE, all by `method`, `UPDATE` or `INVITE`; `page` is an end. */
export async function renegotiated(caller, callee, page, method) {
  const ours = page === caller ? callee : caller;
  const marks = await connect(caller, callee);
  const since = page === caller ? marks.caller : marks.callee;
  await heldBy(page, ours, page, method);
  await heldBy(ours, page, page, method);
  await restartedBy(ours, page, page, method, since);
  await restartedBy(page, ours, page, method, since);
  // The restarts have not changed what both ends know of the call.
  await heldBy(ours, page, page, method);
  const other = method === 'INVITE' ? 'UPDATE' : 'INVITE';
  await check(`no ${other} was sent in the dialog`, () => {
    const found = page.messages(since).filter(({ line, inDialog }) => line === other && inDialog);
    if (found.length > 0) throw new Error(found.map(({ cseq }) => cseq).join(', '));
  });
  await hangUp(caller, callee, { one: marks.caller, other: marks.callee });
}

/** `holder` holds and resumes. */
async function heldBy(holder, other, page, method) {
  for (const held of [true, false]) {
    const [word, directions] = held ? ['holds', ['sendonly', 'inactive']] : ['resumes', ['sendrecv']];
    const marks = { page: page.journal.mark, other: other.journal.mark };
    await check(`${holder.name} ${word} by ${method}`, async () => {
      await (held ? holder.hold() : holder.resume());
      const { direction } = await exchanged(page, method, page === holder, marks.page);
      if (!directions.includes(direction)) throw new Error(`the offer is ${direction}`);
      return direction;
    });
    await check(`${other.name} reports it`, async () => {
      await other.heldByPeer(held, marks.other);
    });
    if (held) {
      await check('both hear silence', async () => {
        await Promise.all([holder.hears(null), other.hears(null)]);
      });
    } else {
      await hearEachOther(holder, other);
    }
  }
}

/** Both ends have new ICE credentials, and hear tones that start after the restart. */
async function restartedBy(one, other, page, method, since) {
  const before = page.messages(since).map(({ ufrag }) => ufrag);
  const mark = page.journal.mark;
  await check(`${one.name} restarts ICE by ${method}`, async () => {
    await one.restart();
    const { offer, answer } = await exchanged(page, method, page === one, mark);
    for (const ufrag of [offer, answer]) if (before.includes(ufrag)) throw new Error(`${ufrag} is not new`);
    // The old pair carries the media until the new one is found.
    const pair = page === one ? `${offer},${answer}` : `${answer},${offer}`;
    await patiently('a candidate pair with them', async () => (await page.pair()).join() === pair);
    return `${offer}, ${answer}`;
  });
  await check('sound continues with other tones', async () => {
    for (const phone of [one, other]) await phone.speak(phone.hz + 110);
    await Promise.all([one.hears(other.hz), other.hears(one.hz)]);
  });
  await check('ICE has not failed', () => {
    const states = page.journal.since(mark, ({ event }) => event === 'ice').map(({ state }) => state);
    if (states.some((state) => ['failed', 'disconnected'].includes(state))) throw new Error(states.join(', '));
  });
}

/** Waits for an offer by `method` and its answer in the 200. */
async function exchanged(page, method, sent, since) {
  const request = await page.message(`${method} with an offer`, { sent, line: method, sdp: true }, since);
  const response = { sent: !sent, line: '200', cseq: request.cseq, sdp: true };
  const { ufrag } = await page.message(`200 with an answer to ${request.cseq}`, response, since);
  return { direction: request.direction, offer: request.ufrag, answer: ufrag };
}
