// Reliable provisional responses (RFC 3262) and early media.

import { check } from '../lib/report.js';
import { hangUp, hearEachOther } from './call.js';

/**
 * A page calls offhook, which waits with the answer; it starts early media by order if `byOrder`. `reliable` says whether
 * the page supports 100rel, `isLate` that its INVITE has no offer: then that is in the 183, and the answer in the PRACK.
 */
export async function earlyMediaOfOffhook(caller, callee, { byOrder = false, reliable = true, isLate = false } = {}) {
  const marks = { caller: caller.journal.mark, callee: callee.journal.mark };
  await check(`${caller.name} calls ${callee.name}, which does not answer yet`, async () => {
    await caller.call(callee);
    await callee.ringing(marks.callee);
  });
  if (byOrder) {
    await check('the 180 is reliable and has no description', async () => {
      await caller.message('reliable 180', { sent: false, line: '180', reliable: true, sdp: false }, marks.caller);
      await acknowledged(caller, 1, marks.caller);
      callee.earlyMedia();
    });
  }
  await check(`the 183 is ${reliable ? '' : 'not '}reliable and has the ${isLate ? 'offer' : 'answer'}`, () =>
    caller.message('183', { sent: false, line: '183', reliable, sdp: true }, marks.caller));
  if (reliable) {
    await check('each reliable response got its PRACK, each PRACK its 200', () =>
      // Without an offer in the INVITE there is no reliable 180: the first reliable response has the offer (RFC 3262 §5).
      acknowledged(caller, isLate ? 1 : 2, marks.caller));
  } else {
    await check('no response was reliable', () => {
      if (caller.messages(marks.caller).some(({ reliable: is }) => is)) throw new Error('one was');
    });
  }
  if (isLate) {
    await check('the PRACK has the answer', () =>
      caller.message('PRACK with an answer', { sent: true, line: 'PRACK', sdp: true }, marks.caller));
  }
  await hearsEarly(caller, callee, marks);
  await answerAndEnd(caller, callee, marks);
}

/** offhook calls a page with SIP.js, which sends a reliable response with its answer, and is told later to answer. */
export async function earlyMediaOfTheirs(caller, callee, kamailio) {
  const marks = { caller: caller.journal.mark, callee: callee.journal.mark, kamailio: kamailio.journal.mark };
  await check(`${caller.name} calls ${callee.name}: the INVITE supports 100rel`, async () => {
    await caller.call(callee);
    await callee.message('INVITE', { sent: false, line: 'INVITE', supported: true }, marks.callee);
  });
  await check(`the 183 of ${callee.name} is reliable, and gets the PRACK of ${caller.name}`, async () => {
    const { rseq, cseq } = await callee.message('183', { sent: true, line: '183', reliable: true }, marks.callee);
    const rack = `${rseq} ${cseq}`;
    await callee.message('PRACK', { sent: false, line: 'PRACK', rack }, marks.callee);
    await callee.journal.first('PRACK', ({ event }) => event === 'acknowledged', { since: marks.callee });
    const count = kamailio.seen('PRACK', caller.user, marks.kamailio);
    if (count !== 1) throw new Error(`Kamailio saw ${count} PRACKs`);
    return `RAck: ${rack}`;
  });
  await check(`${caller.name} reports early media`, () => {
    const fits = ({ event, code, early_media: early }) => event === 'progress' && code === 183 && early;
    return caller.journal.first('progress with early media', fits, { since: marks.caller });
  });
  await hearsEarly(caller, callee, marks);
  await answerAndEnd(caller, callee, marks);
}

async function hearsEarly(caller, callee, marks) {
  await check(`${caller.name} hears ${callee.hz} Hz before the answer`, async () => {
    const heard = await caller.hears(callee.hz, marks.caller);
    for (const [phone, mark] of [[caller, marks.caller], [callee, marks.callee]]) {
      const isUp = phone.journal.since(mark, ({ status }) => status === 'established').length > 0;
      if (isUp) throw new Error(`${phone.name} says that the call is established`);
    }
    return heard;
  });
}

async function answerAndEnd(caller, callee, marks) {
  await check(`${callee.name} answers`, async () => {
    await callee.answer();
    await Promise.all([caller.established(marks.caller), callee.established(marks.callee)]);
  });
  await hearEachOther(caller, callee, marks);
  await hangUp(caller, callee, { one: marks.caller, other: marks.callee });
}

/** Waits until a page has received so many reliable responses, sent one PRACK for each, and got a 200 for each. */
async function acknowledged(page, count, since) {
  const messages = () => page.messages(since);
  const accepted = () => messages().filter(({ sent, line, method }) => !sent && line === '200' && method === 'PRACK');
  await page.journal.settle(`${count} PRACKs with 200`, () => accepted().length >= count);
  const named = messages().filter(({ sent, reliable }) => !sent && reliable).map(({ rseq, cseq }) => `${rseq} ${cseq}`);
  const racks = messages().filter(({ sent, line }) => sent && line === 'PRACK').map(({ rack }) => rack);
  const seen = `RSeq and CSeq: ${named.join(', ')}; RAck: ${racks.join(', ')}`;
  if (named.length !== count || named.join() !== racks.join()) throw new Error(seen);
  return seen;
}
