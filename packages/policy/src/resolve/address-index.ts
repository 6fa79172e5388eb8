import {
  type AddrRange,
  type AddrSet,
  type Family,
  type Prefix,
  prefixBits,
  prefixFrom,
  prefixRange,
} from "@headscale/netip";

/** Finds which of many address sets hold or overlap a range without asking each. Built once a policy. */
export class AddressIndex {
  /** By family and prefix length: prefix → ids of the sets that have it as a part. */
  readonly #byLength = { 4: new Map<number, Map<Prefix, number[]>>(), 6: new Map<number, Map<Prefix, number[]>>() };
  /** Parts in ascending order of their first address. */
  readonly #sorted: Record<Family, { readonly range: AddrRange; readonly id: number }[]> = { 4: [], 6: [] };

  constructor(sets: Iterable<readonly [id: number, set: AddrSet]>) {
    for (const [id, set] of sets) for (const prefix of set.prefixes()) this.#add(id, prefix);
    for (const family of [4, 6] as const) this.#sorted[family].sort((a, b) => (a.range.first < b.range.first ? -1 : 1));
  }

  #add(id: number, prefix: Prefix): void {
    const range = prefixRange(prefix);
    this.#sorted[range.family].push({ range, id });
    const lengths = this.#byLength[range.family];
    const bits = prefixBits(prefix);
    const ofLength = lengths.get(bits) ?? new Map<Prefix, number[]>();
    lengths.set(bits, ofLength);
    const ids = ofLength.get(prefix);
    if (ids === undefined) ofLength.set(prefix, [id]);
    else ids.push(id);
  }

  /** Ids of the sets that have an address in common with the range. */
  overlapping(range: AddrRange): Set<number> {
    const found = new Set<number>();
    for (const [bits, ofLength] of this.#byLength[range.family]) {
      // A part that begins before the range overlaps it exactly if it holds the range's first address.
      for (const id of ofLength.get(prefixFrom(range.family, range.first, bits)) ?? []) found.add(id);
    }
    const parts = this.#sorted[range.family];
    for (let index = firstAtOrAfter(parts, range.first); index < parts.length; index += 1) {
      const part = parts[index];
      if (part === undefined || part.range.first > range.last) break;
      found.add(part.id);
    }
    return found;
  }
}

function firstAtOrAfter(parts: readonly { readonly range: AddrRange }[], value: bigint): number {
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const part = parts[middle];
    if (part !== undefined && part.range.first < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
