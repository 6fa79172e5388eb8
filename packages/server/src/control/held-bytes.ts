/** How many bytes of unfinished bodies one key (an address, a machine) makes us hold: all its connections together. */
export class HeldBytes {
  readonly #most: number;
  readonly #held = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** False when the key holds too much already; nothing is taken then. */
  take(key: string, bytes: number): boolean {
    const held = (this.#held.get(key) ?? 0) + bytes;
    if (held > this.#most) return false;
    this.#held.set(key, held);
    return true;
  }

  release(key: string, bytes: number): void {
    const left = (this.#held.get(key) ?? 0) - bytes;
    if (left > 0) this.#held.set(key, left);
    else this.#held.delete(key);
  }
}
