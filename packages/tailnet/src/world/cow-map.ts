/** Buckets stay near this many entries, so one change copies about as much as one bucket and the table of buckets. */
const bucketTarget = 32;

type Bucket<K, V> = ReadonlyMap<K, V>;

function hashOf(key: string | number): number {
  if (typeof key === "number") return Math.imul(key, 0x9e3779b1) >>> 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * An immutable map whose successor shares all but one bucket with it: a change costs O(√n)-ish copying, a read O(1).
 * Iteration order is by bucket, not by insertion: sort where order matters.
 */
export class CowMap<K extends string | number, V> implements Iterable<readonly [K, V]> {
  readonly #buckets: readonly Bucket<K, V>[];
  readonly size: number;

  private constructor(buckets: readonly Bucket<K, V>[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  static empty<K extends string | number, V>(): CowMap<K, V> {
    return new CowMap<K, V>([new Map()], 0);
  }

  static from<K extends string | number, V>(entries: Iterable<readonly [K, V]>): CowMap<K, V> {
    const flat = new Map(entries);
    return new CowMap(spread(flat, flat.size), flat.size);
  }

  get(key: K): V | undefined {
    return this.#buckets[hashOf(key) % this.#buckets.length]?.get(key);
  }

  has(key: K): boolean {
    return this.#buckets[hashOf(key) % this.#buckets.length]?.has(key) ?? false;
  }

  with(key: K, value: V): CowMap<K, V> {
    const size = this.size + (this.has(key) ? 0 : 1);
    if (size > this.#buckets.length * bucketTarget * 2) return new CowMap(spread([...this, [key, value]], size), size);
    return this.#replacing(key, size, (bucket) => bucket.set(key, value));
  }

  without(key: K): CowMap<K, V> {
    if (!this.has(key)) return this;
    return this.#replacing(key, this.size - 1, (bucket) => bucket.delete(key));
  }

  *[Symbol.iterator](): Generator<readonly [K, V]> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  *keys(): Generator<K> {
    for (const bucket of this.#buckets) yield* bucket.keys();
  }

  *values(): Generator<V> {
    for (const bucket of this.#buckets) yield* bucket.values();
  }

  #replacing(key: K, size: number, change: (bucket: Map<K, V>) => void): CowMap<K, V> {
    const index = hashOf(key) % this.#buckets.length;
    const bucket = new Map(this.#buckets[index]);
    change(bucket);
    return new CowMap(this.#buckets.with(index, bucket), size);
  }
}

function spread<K extends string | number, V>(
  entries: Iterable<readonly [K, V]>,
  size: number,
): readonly Bucket<K, V>[] {
  const buckets = Array.from({ length: Math.max(1, Math.ceil(size / bucketTarget)) }, () => new Map<K, V>());
  for (const [key, value] of entries) buckets[hashOf(key) % buckets.length]?.set(key, value);
  return buckets;
}
