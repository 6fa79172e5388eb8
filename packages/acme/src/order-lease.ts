import type { CertificateCache } from "./certificate-cache.ts";
import type { Clock } from "./clock.ts";

/** Who may order, and until when nobody else may. Times in ms since the epoch. */
interface Lease {
  readonly holder: string;
  readonly until: number;
}

/**
 * The right to order, of which there is one for all daemons that share a cache. It ends by itself, so that a daemon that
 * died does not keep it. Clocks that differ by more than the lease lasts cost a second order, nothing else.
 */
export class OrderLease {
  readonly #cache: CertificateCache;
  readonly #place: string;
  readonly #clock: Clock;
  /** Differs for every daemon at every start. */
  readonly #holder: string;

  constructor(cache: CertificateCache, place: string, clock: Clock, holder: string) {
    this.#cache = cache;
    this.#place = place;
    this.#clock = clock;
    this.#holder = holder;
  }

  /** Takes or keeps the right for `ms`; false while another daemon has it. @throws what the cache throws */
  async take(ms: number): Promise<boolean> {
    const { exchange } = this.#cache;
    if (!exchange) return true;
    const before = await this.#cache.get(this.#place);
    const lease = parseLease(before);
    if (lease && lease.holder !== this.#holder && lease.until > this.#clock.now()) return false;
    return this.#write(before, this.#clock.now() + ms);
  }

  /** Gives the right up, or lets nobody have it before a moment at which it may succeed. @throws what the cache throws */
  async release(until = 0): Promise<void> {
    if (!this.#cache.exchange) return;
    const before = await this.#cache.get(this.#place);
    if (parseLease(before)?.holder === this.#holder) await this.#write(before, until);
  }

  async #write(before: string | undefined, until: number): Promise<boolean> {
    const wanted = JSON.stringify({ holder: this.#holder, until } satisfies Lease);
    return (await this.#cache.exchange?.(this.#place, before, wanted)) === wanted;
  }
}

/** `undefined` for what is missing or damaged: then anybody may. */
function parseLease(text: string | undefined): Lease | undefined {
  try {
    const { holder, until } = JSON.parse(text ?? "");
    return typeof holder === "string" && typeof until === "number" ? { holder, until } : undefined;
  } catch {
    return undefined;
  }
}
