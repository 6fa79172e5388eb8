import type { AcmeError } from "./acme-error.ts";
import type { Clock } from "./clock.ts";
import { retryDelay } from "./renewal.ts";

/** Which authorities have failed lately, and until when each is left alone. */
export class Attempts {
  readonly #clock: Clock;
  readonly #byUrl = new Map<string, { failures: number; restsUntil: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  rests(url: string): boolean {
    return (this.#byUrl.get(url)?.restsUntil ?? 0) > this.#clock.now();
  }

  succeeded(url: string): void {
    this.#byUrl.delete(url);
  }

  /** Counts a failure; returns when to ask this authority again. */
  failed(url: string, { code, retryAfterMs }: AcmeError): number {
    const failures = (this.#byUrl.get(url)?.failures ?? 0) + 1;
    const kind = code === "unreachable" ? "unreachable" : "refused";
    const restsUntil = this.#clock.now() + retryDelay(failures, kind, this.#clock.random(), retryAfterMs);
    this.#byUrl.set(url, { failures, restsUntil });
    return restsUntil;
  }

  /** When the first of these may be asked again. */
  nextAt(urls: readonly string[]): number {
    return Math.min(...urls.map((url) => this.#byUrl.get(url)?.restsUntil ?? 0));
  }
}
