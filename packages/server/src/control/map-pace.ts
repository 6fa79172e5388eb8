import { setTimeout as sleep } from "node:timers/promises";
import { type Rate, TokenBuckets } from "./token-buckets.ts";

/** Requests of one machine that wait for their turn; a client asks one at a time. */
const maxWaiting = 8;

/**
 * How often one machine may ask for a map or tell something new: an update costs all who see the machine. Beyond the rate
 * its requests wait, so that a client in a hurry notices a slow server and nothing else.
 */
export class MapPace {
  readonly #buckets: TokenBuckets;
  readonly #waiting = new Map<string, number>();

  constructor(rate: Rate) {
    this.#buckets = new TokenBuckets(rate);
  }

  /** Resolves with true at the machine's turn; with false when too many of its requests wait already or it is gone. */
  async turn(machine: string, gone: AbortSignal): Promise<boolean> {
    if (!this.#waiting.has(machine) && this.#buckets.take(machine)) return true;
    const waiting = this.#waiting.get(machine) ?? 0;
    if (waiting >= maxWaiting) return false;
    this.#waiting.set(machine, waiting + 1);
    try {
      while (!gone.aborted) {
        if (this.#buckets.take(machine)) return true;
        await sleep(this.#buckets.waitMs(machine), undefined, { signal: gone }).catch(() => {});
      }
      return false;
    } finally {
      const left = (this.#waiting.get(machine) ?? 1) - 1;
      if (left > 0) this.#waiting.set(machine, left);
      else this.#waiting.delete(machine);
    }
  }
}
