import { type NodeId, type Presence, unknownPresence } from "@headscale/tailnet";

export interface PresenceStore {
  writePresence(rows: ReadonlyMap<NodeId, Presence>): Promise<void>;
}

/** Presence of all nodes: read from memory, written behind in batches. */
export class PresenceBook {
  readonly #rows: Map<NodeId, Presence>;
  readonly #store: PresenceStore;
  readonly #onError: (error: unknown) => void;
  #dirty = new Set<NodeId>();
  #writing: Promise<void> | undefined;

  constructor(store: PresenceStore, rows: Iterable<readonly [NodeId, Presence]>, onError: (error: unknown) => void) {
    this.#store = store;
    this.#rows = new Map(rows);
    this.#onError = onError;
  }

  get(id: NodeId): Presence {
    return this.#rows.get(id) ?? unknownPresence;
  }

  set(id: NodeId, presence: Presence): void {
    this.#rows.set(id, presence);
    this.#dirty.add(id);
  }

  forget(id: NodeId): void {
    this.#rows.delete(id);
    this.#dirty.delete(id);
  }

  /**
   * Writes what changed since the last time; called by a timer and at the end. Nothing that changed before the call is on
   * its way any more when it resolves. Failures are kept for the next round.
   */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#dirty.size === 0) return;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    this.#writing = this.#write(dirty);
    await this.#writing;
  }

  async #write(dirty: ReadonlySet<NodeId>): Promise<void> {
    try {
      await this.#store.writePresence(new Map([...dirty].map((id) => [id, this.get(id)])));
    } catch (error) {
      // Not what was forgotten meanwhile.
      for (const id of dirty) if (this.#rows.has(id)) this.#dirty.add(id);
      this.#onError(error);
    } finally {
      this.#writing = undefined;
    }
  }
}
