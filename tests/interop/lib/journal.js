// What a peer reported, in order, and a way to wait for it.

/** How long a check waits, in milliseconds: generous, for a slow and noisy machine. */
export const PATIENCE = 30_000;

export class Journal {
  #events = [];
  #waiting = new Set();

  constructor(name) {
    this.name = name;
  }

  /** A place in the journal: what comes after it is new. */
  get mark() {
    return this.#events.length;
  }

  push(event) {
    if (process.env.INTEROP_TRACE) console.log(`     ${this.name}: ${JSON.stringify(event)}`);
    this.#events.push(event);
    for (const wake of [...this.#waiting]) wake();
  }

  since(mark, predicate) {
    return this.#events.slice(mark).filter(predicate);
  }

  /** The first event from `since` on that fits; fails after `within` milliseconds, naming `what`. */
  first(what, predicate, { since = 0, within = PATIENCE } = {}) {
    return this.settle(what, () => this.since(since, predicate)[0], { within });
  }

  /** The first true value of `look`, asked again at each event; fails after `within` milliseconds, naming `what`. */
  settle(what, look, { within = PATIENCE } = {}) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(attempt);
        const last = this.#events.slice(-12).map((event) => `\n       ${JSON.stringify(event)}`).join('');
        reject(new Error(`${this.name}: no ${what} within ${within / 1000} s; it reported last:${last || ' nothing'}`));
      }, within);
      const attempt = () => {
        const found = look();
        if (!found) return;
        clearTimeout(timer);
        this.#waiting.delete(attempt);
        resolve(found);
      };
      this.#waiting.add(attempt);
      attempt();
    });
  }
}
