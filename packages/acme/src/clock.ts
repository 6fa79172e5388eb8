import { setTimeout as sleep } from "node:timers/promises";

/** Time and chance, injected so that tests own both. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`, rejects when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

/** Longest delay a Node timer can hold. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  random: Math.random,
  sleep: async (ms, signal) => {
    for (let left = ms; left > 0; left -= maxTimerMs) {
      await sleep(Math.min(left, maxTimerMs), undefined, { signal, ref: false });
    }
    signal.throwIfAborted();
  },
};
