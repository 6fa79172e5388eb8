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

  /** Writes what changed since the last time; called by a timer and at the end. Failures are kept for the next round. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#dirty.size === 0) return;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    const rows = new Map([...dirty].flatMap((id) => (this.#rows.has(id) ? [[id, this.get(id)] as const] : [])));
    this.#writing = this.#store.writePresence(rows).catch((error: unknown) => {
      for (const id of dirty) this.#dirty.add(id);
      this.#onError(error);
    });
    await this.#writing;
    this.#writing = undefined;
  }
}
