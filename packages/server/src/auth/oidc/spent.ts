/** What may be used once: the states that came back, as long as they could come back again. Bounded; the oldest make room. */
export class Spent {
  readonly #most: number;
  readonly #until = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether this is the first use. `expiresAt` and `now` in ms since the epoch. */
  use(text: string, expiresAt: number, now: number): boolean {
    for (const [old, until] of this.#until) {
      if (until > now && this.#until.size < this.#most) break;
      this.#until.delete(old);
    }
    if (this.#until.has(text)) return false;
    this.#until.set(text, expiresAt);
    return true;
  }
}
