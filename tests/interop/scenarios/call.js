// A call as two people have it, told for any two kinds of phone.

import { PATIENCE } from '../lib/journal.js';
import { check } from '../lib/report.js';

/** Dials, and waits until both ends are in the call and hear each other. Returns the marks before it. */
export async function connect(caller, callee) {
  const marks = { caller: caller.journal.mark, callee: callee.journal.mark };
  await check(`${caller.name} calls ${callee.name}`, async () => {
    await caller.call(callee);
    await Promise.all([caller.established(marks.caller), callee.established(marks.callee)]);
  });
  await hearEachOther(caller, callee, marks);
  return marks;
}

export async function hearEachOther(caller, callee, marks = { caller: 0, callee: 0 }) {
  await check(`${callee.name} hears ${caller.hz} Hz`, () => callee.hears(caller.hz, marks.callee));
  await check(`${caller.name} hears ${callee.hz} Hz`, () => caller.hears(callee.hz, marks.caller));
}

/** Digits both ways by RTP and by INFO, hold and resume from both ends. */
export async function converse(caller, callee) {
  for (const [from, to, digits, path] of [
    [caller, callee, '159#', 'rtp'],
    [callee, caller, '7*0', 'rtp'],
    [caller, callee, '42', 'info'],
    [callee, caller, '38', 'info'],
  ]) {
    await check(`${from.name} sends ${digits} by ${path.toUpperCase()}`, () => press(from, to, digits, path));
  }
  await hearEachOther(caller, callee);
  for (const [holder, other] of [
    [caller, callee],
    [callee, caller],
  ]) {
    await check(`${holder.name} holds: ${other.name} hears silence`, async () => {
      await holder.hold();
      await other.hears(null);
    });
    await check(`${holder.name} hears silence too`, () => holder.hears(null));
    await check(`${holder.name} resumes`, () => holder.resume());
    await hearEachOther(caller, callee);
  }
}

async function press(from, to, digits, path) {
  // Chrome loses a key to Chrome on a busy machine. Where neither end is ours, it is pressed again.
  for (let left = from.kind === 'JsSIP' && to.kind === 'JsSIP' ? 3 : 0; ; left -= 1) {
    const mark = to.journal.mark;
    await from.digits(digits, path);
    try {
      return await to.receives(digits, mark, left > 0 ? PATIENCE / 6 : PATIENCE);
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** One end hangs up; both are told, each once. */
export async function hangUp(one, other, marks) {
  await check(`${one.name} hangs up, ${other.name} is told`, async () => {
    await one.hangUp();
    await Promise.all([one.ended(marks.one), other.ended(marks.other)]);
    for (const [phone, mark] of [[one, marks.one], [other, marks.other]]) {
      const endings = phone.journal.since(mark, ({ event }) => event === 'ended').length;
      if (endings !== 1) throw new Error(`${phone.name} reported ${endings} endings`);
    }
  });
}

/** The whole call; `from` says who hangs up: `caller` or `callee`. */
export async function whole(caller, callee, from) {
  const marks = await connect(caller, callee);
  await converse(caller, callee);
  if (from === 'caller') await hangUp(caller, callee, { one: marks.caller, other: marks.callee });
  else await hangUp(callee, caller, { one: marks.callee, other: marks.caller });
  for (const [phone, other, mark] of [[caller, callee, marks.caller], [callee, caller, marks.callee]]) {
    if (phone.recorded) await check(`${phone.name} recorded ${other.hz} Hz`, () => phone.recorded(other.hz, mark));
  }
}

/** The caller calls, and then asks the callee to call `target` instead. */
export async function blindTransfer(caller, callee, target) {
  const marks = await connect(caller, callee);
  const since = { callee: callee.journal.mark, target: target.journal.mark };
  await check(`${caller.name} transfers ${callee.name} to ${target.name}`, async () => {
    await caller.transfer(target);
    await callee.consent?.(since.callee);
    await Promise.all([callee.established(since.callee), target.established(since.target)]);
  });
  await check(`${target.name} hears ${callee.hz} Hz`, () => target.hears(callee.hz, since.target));
  await check(`${callee.name} hears ${target.hz} Hz`, () => callee.hears(target.hz, since.callee));
  await check(`${caller.name} is told, and is out of it`, async () => {
    const isDone = ({ event, state }) => event === 'transfer' && state === 'done';
    await caller.journal.first('transfer done', isDone, { since: marks.caller });
    await caller.ended(marks.caller);
    await callee.ended(since.callee);
  });
  const second = { one: target.journal.mark, other: callee.journal.mark };
  await hangUp(target, callee, second);
}
