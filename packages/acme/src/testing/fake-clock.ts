import type { Clock } from "../clock.ts";

/** Time that passes as fast as it is slept away, up to a horizon. Chance is always `fraction`. */
export class FakeClock implements Clock {
  #now: number;
  #horizon: number;
  readonly #fraction: number;
  #idle = Promise.withResolvers<void>();
  #wake: (() => void) | undefined;
  /** Every sleep asked for, in milliseconds. */
  readonly sleeps: number[] = [];

  constructor(now: number, fraction = 0) {
    this.#now = now;
    this.#horizon = now;
    this.#fraction = fraction;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#fraction;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.sleeps.push(ms);
    const until = this.#now + ms;
    while (until > this.#horizon) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#idle.resolve();
      await promise;
    }
    this.#now = until;
  }

  /** Lets `ms` pass while nobody sleeps. */
  skip(ms: number): void {
    this.#now += ms;
    this.#horizon += ms;
  }

  /** Lets `ms` pass; resolves when the sleeper waits for a time beyond them. */
  async advance(ms: number): Promise<void> {
    this.#horizon += ms;
    this.#idle = Promise.withResolvers();
    this.#wake?.();
    await this.#idle.promise;
    this.#now = this.#horizon;
  }
}
