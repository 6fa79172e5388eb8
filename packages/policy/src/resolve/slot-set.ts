/**
 * An immutable set of node slots (small integers), one bit each: unions over thousands of nodes cost a few hundred
 * word operations, and whatever many nodes share is one object.
 */
export class SlotSet {
  static readonly empty = new SlotSet(new Uint32Array(0));

  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  static of(slots: Iterable<number>): SlotSet {
    const listed = Array.from(slots);
    if (listed.length === 0) return SlotSet.empty;
    const words = new Uint32Array((listed.reduce((a, b) => Math.max(a, b), 0) >>> 5) + 1);
    for (const slot of listed) words[slot >>> 5] = at(words, slot >>> 5) | (1 << (slot & 31));
    return new SlotSet(words);
  }

  static unionOf(sets: Iterable<SlotSet>): SlotSet {
    let single = SlotSet.empty;
    let words: Uint32Array | undefined;
    for (const set of sets) {
      if (set.#words.length === 0 || set === single) continue;
      if (single === SlotSet.empty) {
        single = set;
        continue;
      }
      words = orInto(words ?? single.#words.slice(), set.#words);
    }
    return words === undefined ? single : new SlotSet(words);
  }

  has(slot: number): boolean {
    const word = this.#words[slot >>> 5];
    return word !== undefined && (word & (1 << (slot & 31))) !== 0;
  }

  get isEmpty(): boolean {
    for (let index = 0; index < this.#words.length; index += 1) if (this.#words[index] !== 0) return false;
    return true;
  }

  with(slot: number): SlotSet {
    if (this.has(slot)) return this;
    const words = new Uint32Array(Math.max(this.#words.length, (slot >>> 5) + 1));
    words.set(this.#words);
    words[slot >>> 5] = at(words, slot >>> 5) | (1 << (slot & 31));
    return new SlotSet(words);
  }

  without(slot: number): SlotSet {
    if (!this.has(slot)) return this;
    const words = this.#words.slice();
    words[slot >>> 5] = at(words, slot >>> 5) & ~(1 << (slot & 31));
    return new SlotSet(words);
  }

  union(other: SlotSet): SlotSet {
    return SlotSet.unionOf([this, other]);
  }

  intersect(other: SlotSet): SlotSet {
    const length = Math.min(this.#words.length, other.#words.length);
    const words = this.#words.slice(0, length);
    for (let index = 0; index < length; index += 1) words[index] = at(words, index) & at(other.#words, index);
    return new SlotSet(words);
  }

  minus(other: SlotSet): SlotSet {
    const words = this.#words.slice();
    const length = Math.min(words.length, other.#words.length);
    for (let index = 0; index < length; index += 1) words[index] = at(words, index) & ~at(other.#words, index);
    return new SlotSet(words);
  }

  meets(other: SlotSet): boolean {
    const length = Math.min(this.#words.length, other.#words.length);
    for (let index = 0; index < length; index += 1) {
      if ((at(this.#words, index) & at(other.#words, index)) !== 0) return true;
    }
    return false;
  }

  equals(other: SlotSet): boolean {
    if (this === other) return true;
    const length = Math.max(this.#words.length, other.#words.length);
    for (let index = 0; index < length; index += 1)
      if (at(this.#words, index) !== at(other.#words, index)) return false;
    return true;
  }

  /** A number that is equal for equal sets. */
  get hash(): number {
    let hash = 0x811c9dc5;
    for (let index = 0; index < this.#words.length; index += 1) {
      const word = at(this.#words, index);
      if (word !== 0) hash = Math.imul(hash ^ word ^ index, 0x01000193);
    }
    return hash >>> 0;
  }

  /** Ascending slots. */
  *[Symbol.iterator](): Generator<number> {
    for (const [index, word] of this.#words.entries()) {
      for (let rest = word; rest !== 0; rest &= rest - 1) yield index * 32 + 31 - Math.clz32(rest & -rest);
    }
  }

  toArray(): number[] {
    const slots: number[] = [];
    for (let index = 0; index < this.#words.length; index += 1) {
      for (let rest = at(this.#words, index); rest !== 0; rest &= rest - 1) {
        slots.push(index * 32 + 31 - Math.clz32(rest & -rest));
      }
    }
    return slots;
  }
}

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0;
}

function orInto(words: Uint32Array, others: Uint32Array): Uint32Array {
  let target = words;
  if (others.length > words.length) {
    target = others.slice();
    for (let index = 0; index < words.length; index += 1) target[index] = at(target, index) | at(words, index);
    return target;
  }
  for (let index = 0; index < others.length; index += 1) target[index] = at(target, index) | at(others, index);
  return target;
}
