import type { ApiKeyId } from "@headscale/tailnet";

interface KeyUseStore {
  writeKeyUses(uses: ReadonlyMap<ApiKeyId, number>): Promise<void>;
  keyUses(): Promise<ReadonlyMap<ApiKeyId, number>>;
}

export interface KeyUsesOptions {
  readonly store: KeyUseStore;
  readonly flushMs: number;
  readonly now?: () => number;
  onError(what: string, error: unknown): void;
}

/** When API keys were last used: known at once, written behind. A key in constant use is written once in a round. */
export class KeyUses implements AsyncDisposable {
  readonly #options: KeyUsesOptions;
  readonly #timer: NodeJS.Timeout;
  #unwritten = new Map<ApiKeyId, number>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: KeyUsesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), options.flushMs);
  }

  /** The key has just let somebody in. */
  note(id: ApiKeyId): void {
    this.#unwritten.set(id, (this.#options.now ?? Date.now)());
  }

  /** The newest moment of every key, ms since the epoch: what other daemons wrote down, and what this one has yet to. */
  async lastSeen(): Promise<ReadonlyMap<ApiKeyId, number>> {
    await this.#writing;
    const seen = new Map(await this.#options.store.keyUses());
    for (const [id, at] of this.#unwritten) seen.set(id, Math.max(at, seen.get(id) ?? 0));
    return seen;
  }

  /** Writes what is new; what cannot be written now is tried again with the next round. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#unwritten.size === 0) return;
    const uses = this.#unwritten;
    this.#unwritten = new Map();
    try {
      await this.#options.store.writeKeyUses(uses);
    } catch (error) {
      this.#unwritten = new Map([...uses, ...this.#unwritten]);
      this.#options.onError("writing when API keys were used", error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
