// What the checks know of a phone, ours or theirs: its journal, and what can be asked of it.

import { Journal, PATIENCE } from './journal.js';

const TOLERANCE_HZ = 15;

export class Peer {
  /** `hz` is the tone that this phone speaks with. */
  constructor(kind, user, hz) {
    this.kind = kind;
    this.user = user;
    this.hz = hz;
    this.journal = new Journal(`${kind} ${user}`);
    this.address = `sip:${user}@interop.test`;
  }

  get name() {
    return `${this.user} (${this.kind})`;
  }

  registered(since = 0) {
    return this.journal.first('registered', ({ event }) => event === 'registered', { since });
  }

  established(since = 0) {
    return this.journal.first('status established', (event) => event.status === 'established', { since });
  }

  ended(since = 0) {
    return this.journal.first('ended', ({ event }) => event === 'ended', { since });
  }

  /** Waits until the tone heard last is `hz`, or silence when it is null. */
  async hears(hz, since = 0) {
    const fits = ({ heard_hz: heard }) => (hz === null ? heard === null : Math.abs(heard - hz) <= TOLERANCE_HZ);
    const what = hz === null ? 'silence' : `tone of ${hz} Hz`;
    const event = await this.journal.settle(what, () => {
      const last = this.journal.since(since, ({ heard_hz: heard }) => heard !== undefined).at(-1);
      return last && fits(last) && last;
    });
    return event.heard_hz === null ? 'silence' : `${event.heard_hz} Hz`;
  }

  /** Waits for exactly these digits, in order and each once; fails after `within` milliseconds. */
  async receives(digits, since, within = PATIENCE) {
    const received = () => this.journal.since(since, ({ event }) => event === 'dtmf').map(({ digit }) => digit).join('');
    await this.journal.settle(`digits ${digits}`, () => received().length >= digits.length, { within });
    if (received() !== digits) throw new Error(`${this.name} received ${received()} instead of ${digits}`);
  }
}
