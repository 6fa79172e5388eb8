/** Longest delay a timer takes; Node fires longer ones at once. */
const maxTimerMs = 2 ** 31 - 1;

/** One timer for many deadlines: calls `due` for every key whose moment has passed, never before it. */
export class Deadlines<K> implements Disposable {
  readonly #at = new Map<K, number>();
  readonly #due: (key: K) => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(due: (key: K) => void, now: () => number) {
    this.#due = due;
    this.#now = now;
  }

  /** Sets or moves a deadline, ms since the epoch. */
  set(key: K, at: number): void {
    this.#at.set(key, at);
    if (at < this.#armedFor) this.#arm(at);
  }

  delete(key: K): void {
    this.#at.delete(key);
  }

  has(key: K): boolean {
    return this.#at.has(key);
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#armedFor = at;
    this.#timer = setTimeout(() => this.#fire(), Math.min(maxTimerMs, Math.max(0, at - this.#now() + 1)));
  }

  #fire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.#now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const key of [...this.#at.keys()]) {
      // Asked anew each time: what was due before may have moved or removed it.
      const at = this.#at.get(key);
      if (at === undefined) continue;
      if (at > now) {
        earliest = Math.min(earliest, at);
        continue;
      }
      this.#at.delete(key);
      this.#due(key);
    }
    if (earliest < this.#armedFor) this.#arm(earliest);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#at.clear();
  }
}
