/** However much a round costs, nobody waits longer than this for the next one. */
const longestGapMs = 1_000;
/** A round that told of many changes is followed by a gap of up to this many times as long. */
const stormFactor = 8;
/** Turns taken before other work of the process gets a look in. */
const turnsAtOnce = 128;

export interface RoundClock {
  /** ms of a clock that only goes forward */
  now(): number;
  /** CPU time of this thread: a machine busy with something else makes no round dearer. */
  spentMs(): number;
}

const processClock: RoundClock = {
  now: () => performance.now(),
  spentMs: () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  },
};

/**
 * Decides when sessions speak: all that have something to say take their turns together, so that what they say is the
 * same and made once.
 *
 * A lone change goes out in the same turn of the event loop. After a round comes a gap as long as the round took, and
 * longer the more changes came together: however hard a storm blows, and however many listen, telling takes a bounded
 * share of the time.
 */
export class Rounds {
  readonly #leastGapMs: number;
  readonly #clock: RoundClock;
  #waiting = new Set<() => void>();
  #news = 0;
  /** By the clock's `now` */
  #notBefore = Number.NEGATIVE_INFINITY;
  #isBusy = false;

  /** `leastGapMs`: between two rounds, however cheap they are. */
  constructor(leastGapMs: number, clock: RoundClock = processClock) {
    this.#leastGapMs = leastGapMs;
    this.#clock = clock;
  }

  /** One more change to tell. */
  note(): void {
    this.#news++;
  }

  /** Calls `turn` in the next round; asking again before that changes nothing. */
  ask(turn: () => void): void {
    this.#waiting.add(turn);
    if (!this.#isBusy) this.#schedule();
  }

  #schedule(): void {
    this.#isBusy = true;
    const begin = () => this.#begin();
    const waitMs = this.#notBefore - this.#clock.now();
    // Not at once: what else this turn of the event loop brings goes along.
    if (waitMs > 0) setTimeout(begin, waitMs);
    else setImmediate(begin);
  }

  #begin(): void {
    const turns = [...this.#waiting];
    this.#waiting = new Set();
    const news = this.#news;
    this.#news = 0;
    this.#take(turns, 0, this.#clock.spentMs(), news);
  }

  #take(turns: readonly (() => void)[], from: number, spentBefore: number, news: number): void {
    const end = Math.min(turns.length, from + turnsAtOnce);
    for (let i = from; i < end; i++) turns[i]?.();
    // What a turn writes leaves in this turn of the event loop and the next: that belongs to what the round costs.
    if (end < turns.length) setImmediate(() => this.#take(turns, end, spentBefore, news));
    else setImmediate(() => setImmediate(() => this.#end(spentBefore, news)));
  }

  #end(spentBefore: number, news: number): void {
    const costMs = this.#clock.spentMs() - spentBefore;
    const factor = Math.min(stormFactor, Math.max(1, news - 1));
    this.#notBefore = this.#clock.now() + Math.min(longestGapMs, Math.max(this.#leastGapMs, costMs * factor));
    this.#isBusy = false;
    if (this.#waiting.size > 0) this.#schedule();
  }
}
