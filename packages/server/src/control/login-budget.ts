/** How long a count lasts. */
const windowMs = 60_000;

/** Logins begun per address (IPv6: per /64) and minute: a machine key costs nothing, so the address has to. */
export class LoginBudget {
  readonly #most: number;
  readonly #now: () => number;
  readonly #begun = new Map<string, number>();
  #windowEnds = 0;

  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#now = now;
  }

  /** Whether another login may begin from there. */
  allows(addressGroup: string): boolean {
    this.#turn();
    return (this.#begun.get(addressGroup) ?? 0) < this.#most;
  }

  /** A login has begun from there. */
  count(addressGroup: string): void {
    this.#turn();
    this.#begun.set(addressGroup, (this.#begun.get(addressGroup) ?? 0) + 1);
  }

  #turn(): void {
    if (this.#now() < this.#windowEnds) return;
    this.#begun.clear();
    this.#windowEnds = this.#now() + windowMs;
  }
}
