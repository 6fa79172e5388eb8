import type { Roster } from "#resolve/roster.ts";
import type { SlotSet } from "#resolve/slot-set.ts";

/** Keeps equal sets as one object, and one list of ids for each. */
export class SharedLists {
  readonly #buckets = new Map<number, WeakRef<SlotSet>[]>();
  readonly #ids = new WeakMap<SlotSet, readonly number[]>();
  #sweepAt = 1024;

  share(set: SlotSet): SlotSet {
    const { hash } = set;
    const bucket = (this.#buckets.get(hash) ?? []).filter((entry) => entry.deref() !== undefined);
    const twin = bucket.map((entry) => entry.deref()).find((entry) => entry?.equals(set) === true);
    if (twin === undefined) bucket.push(new WeakRef(set));
    this.#buckets.set(hash, bucket);
    if (this.#buckets.size > this.#sweepAt) this.#sweep();
    return twin ?? set;
  }

  /** Forgets sets that nobody holds any more. */
  #sweep(): void {
    for (const [hash, bucket] of this.#buckets) {
      if (bucket.every((entry) => entry.deref() === undefined)) this.#buckets.delete(hash);
    }
    this.#sweepAt = Math.max(1024, this.#buckets.size * 2);
  }

  /** Slots keep their ids for ever, so that a list once made stays right. */
  idsOf(set: SlotSet, roster: Roster): readonly number[] {
    const known = this.#ids.get(set) ?? roster.idsOf(set);
    this.#ids.set(set, known);
    return known;
  }
}
