import type { PresenceMove } from "@headscale/store";
import { type NodeId, type Presence, unknownPresence } from "@headscale/tailnet";

export interface PresenceStore {
  writePresence(rows: ReadonlyMap<NodeId, Presence>, moves?: ReadonlyMap<NodeId, PresenceMove>): Promise<void>;
}

/** A moment in the life of a book, to tell what it has learned since. */
export type PresenceMark = number;

type Unwritten = ReadonlyMap<NodeId, PresenceMove | undefined>;

/** Presence of all nodes: read from memory, written behind in batches. */
export class PresenceBook {
  readonly #rows: Map<NodeId, Presence>;
  readonly #store: PresenceStore;
  readonly #onError: (error: unknown) => void;
  #dirty = new Map<NodeId, PresenceMove | undefined>();
  #beingWritten: Unwritten = new Map();
  #writing: Promise<boolean> | undefined;
  #turns = 0;
  /** When rows were last set here, or written: whatever was read before may be older. */
  readonly #touchedAt = new Map<NodeId, number>();

  constructor(store: PresenceStore, rows: Iterable<readonly [NodeId, Presence]>, onError: (error: unknown) => void) {
    this.#store = store;
    this.#rows = new Map(rows);
    this.#onError = onError;
  }

  get(id: NodeId): Presence {
    return this.#rows.get(id) ?? unknownPresence;
  }

  /** `move`: whether the node came to this daemon with it, or left; a move that is not yet written is remembered. */
  set(id: NodeId, presence: Presence, move?: PresenceMove): void {
    this.#rows.set(id, presence);
    this.#dirty.set(id, move ?? this.#dirty.get(id));
    this.#touchedAt.set(id, ++this.#turns);
  }

  /** Takes in a row that another daemon has written: there is nothing to write. */
  receive(id: NodeId, presence: Presence): void {
    this.#rows.set(id, presence);
  }

  forget(id: NodeId): void {
    this.#rows.delete(id);
    this.#dirty.delete(id);
    this.#touchedAt.delete(id);
  }

  /** Now. */
  mark(): PresenceMark {
    return this.#turns;
  }

  /** Whether this daemon may know better than a row that was read after `mark`. */
  isNewer(id: NodeId, mark: PresenceMark): boolean {
    return this.#dirty.has(id) || this.#beingWritten.has(id) || (this.#touchedAt.get(id) ?? 0) > mark;
  }

  /**
   * Writes what changed since the last time; called by a timer and at the end. Nothing that changed before the call is on
   * its way any more when it resolves. False: it could not be written, and is kept for the next round.
   */
  async flush(): Promise<boolean> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#dirty.size === 0) return true;
    this.#beingWritten = this.#dirty;
    this.#dirty = new Map();
    this.#writing = this.#write(this.#beingWritten);
    return this.#writing;
  }

  async #write(unwritten: Unwritten): Promise<boolean> {
    try {
      const moves = new Map([...unwritten].flatMap(([id, move]) => (move === undefined ? [] : [[id, move] as const])));
      await this.#store.writePresence(new Map([...unwritten.keys()].map((id) => [id, this.get(id)])), moves);
      const turn = ++this.#turns;
      for (const id of unwritten.keys()) if (this.#rows.has(id)) this.#touchedAt.set(id, turn);
      return true;
    } catch (error) {
      // Not what was forgotten meanwhile.
      for (const [id, move] of unwritten) if (this.#rows.has(id)) this.#dirty.set(id, this.#dirty.get(id) ?? move);
      this.#onError(error);
      return false;
    } finally {
      this.#beingWritten = new Map();
      this.#writing = undefined;
    }
  }
}
