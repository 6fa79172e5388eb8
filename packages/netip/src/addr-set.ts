import { type Addr, addrFamily, addrValue, type Family, familyMax } from "./addr.ts";
import { type AddrRange, formatAddrRange, rangeOfAddr, rangePrefixes } from "./addr-range.ts";
import { type Prefix, prefixRange } from "./prefix.ts";

/** Both families on one number line, IPv4 far below IPv6, so that the algebra need not know about families. */
const lineStart = { 4: 0n, 6: 1n << 128n } as const satisfies Record<Family, bigint>;

/** Closed interval on the line. One that came from a single address keeps its text, since writing IPv6 is slow. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
  readonly text?: string;
}

/** An immutable set of addresses of both families; equal sets have equal `texts()`. */
export class AddrSet {
  static readonly empty = new AddrSet([]);
  static readonly all = AddrSet.ofRanges([
    { family: 4, first: 0n, last: familyMax[4] },
    { family: 6, first: 0n, last: familyMax[6] },
  ]);

  /** Sorted, disjoint, with a gap between neighbours. */
  readonly #spans: readonly Span[];
  #ranges: readonly AddrRange[] | undefined;
  #texts: readonly string[] | undefined;

  private constructor(spans: readonly Span[]) {
    this.#spans = spans;
  }

  static ofAddrs(addrs: Iterable<Addr>): AddrSet {
    return new AddrSet(normalise(Array.from(addrs, (addr) => ({ ...toSpan(rangeOfAddr(addr)), text: addr }))));
  }

  static ofPrefixes(prefixes: Iterable<Prefix>): AddrSet {
    return AddrSet.ofRanges(Array.from(prefixes, prefixRange));
  }

  static ofRanges(ranges: Iterable<AddrRange>): AddrSet {
    return new AddrSet(normalise(Array.from(ranges, toSpan)));
  }

  static unionOf(sets: Iterable<AddrSet>): AddrSet {
    const spans: Span[] = [];
    for (const set of sets) for (const span of set.#spans) spans.push(span);
    return new AddrSet(normalise(spans));
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** Number of addresses. */
  get size(): bigint {
    return this.#spans.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  }

  /** IPv4 first, ascending, never adjacent. */
  get ranges(): readonly AddrRange[] {
    this.#ranges ??= this.#spans.map(toRange);
    return this.#ranges;
  }

  union(other: AddrSet): AddrSet {
    if (other.isEmpty || this === other) return this;
    return this.isEmpty ? other : new AddrSet(mergeSorted(this.#spans, other.#spans));
  }

  intersect(other: AddrSet): AddrSet {
    const spans: Span[] = [];
    for (const [a, b] of overlappingPairs(this.#spans, other.#spans)) {
      spans.push({ first: larger(a.first, b.first), last: smaller(a.last, b.last) });
    }
    return new AddrSet(spans);
  }

  subtract(other: AddrSet): AddrSet {
    const spans: Span[] = [];
    let index = 0;
    for (const span of this.#spans) {
      let first = span.first;
      while (index < other.#spans.length && at(other.#spans, index).last < first) index += 1;
      for (let probe = index; probe < other.#spans.length; probe += 1) {
        const hole = at(other.#spans, probe);
        if (hole.first > span.last) break;
        if (hole.first > first) spans.push({ first, last: hole.first - 1n });
        first = hole.last + 1n;
      }
      if (first <= span.last) spans.push({ first, last: span.last });
    }
    return new AddrSet(spans);
  }

  contains(addr: Addr): boolean {
    const point = lineStart[addrFamily(addr)] + addrValue(addr);
    return this.#meets({ first: point, last: point });
  }

  overlapsPrefix(prefix: Prefix): boolean {
    return this.#meets(toSpan(prefixRange(prefix)));
  }

  overlapsRange(range: AddrRange): boolean {
    return this.#meets(toSpan(range));
  }

  overlaps(other: AddrSet): boolean {
    const [few, many] = this.#spans.length <= other.#spans.length ? [this, other] : [other, this];
    return few.#spans.some((span) => many.#meets(span));
  }

  /** Whether every address of `other` is in this set. */
  covers(other: AddrSet): boolean {
    return other.#spans.every((span) => {
      const candidate = this.#spans[firstEndingAtOrAfter(this.#spans, span.first)];
      return candidate !== undefined && candidate.first <= span.first && span.last <= candidate.last;
    });
  }

  equals(other: AddrSet): boolean {
    if (this === other) return true;
    if (this.#spans.length !== other.#spans.length) return false;
    return this.#spans.every((span, index) => {
      const twin = at(other.#spans, index);
      return span.first === twin.first && span.last === twin.last;
    });
  }

  /** One text a range: `a`, `a/n` or `a-b`, whichever fits exactly. */
  texts(): readonly string[] {
    this.#texts ??= this.#spans.map((span) => span.text ?? formatAddrRange(toRange(span)));
    return this.#texts;
  }

  /** The fewest prefixes that make up the set. */
  prefixes(): Prefix[] {
    return this.ranges.flatMap(rangePrefixes);
  }

  toString(): string {
    return this.texts().join(",");
  }

  #meets(span: Span): boolean {
    const candidate = this.#spans[firstEndingAtOrAfter(this.#spans, span.first)];
    return candidate !== undefined && candidate.first <= span.last;
  }
}

function at<T>(items: readonly T[], index: number): T {
  return items[index] as T;
}

function toSpan({ family, first, last }: AddrRange): Span {
  const start = lineStart[family];
  return { first: start + first, last: start + last };
}

function toRange({ first, last }: Span): AddrRange {
  const family = first >= lineStart[6] ? 6 : 4;
  return { family, first: first - lineStart[family], last: last - lineStart[family] };
}

function larger(a: bigint, b: bigint): bigint {
  return compare(a, b) < 0 ? b : a;
}

function smaller(a: bigint, b: bigint): bigint {
  return compare(a, b) < 0 ? a : b;
}

function normalise(spans: Span[]): Span[] {
  spans.sort((a, b) => compare(a.first, b.first));
  return joinTouching(spans);
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Joins spans that overlap or follow one another; `spans` is sorted by `first`. */
function joinTouching(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  let open: Span | undefined;
  for (const span of spans) {
    if (open !== undefined && span.first <= open.last + 1n) {
      if (span.last > open.last) open = { first: open.first, last: span.last };
      continue;
    }
    if (open !== undefined) joined.push(open);
    open = span;
  }
  if (open !== undefined) joined.push(open);
  return joined;
}

function mergeSorted(left: readonly Span[], right: readonly Span[]): Span[] {
  const merged: Span[] = [];
  let a = 0;
  let b = 0;
  while (a < left.length || b < right.length) {
    const takeLeft = b >= right.length || (a < left.length && at(left, a).first <= at(right, b).first);
    merged.push(takeLeft ? at(left, a++) : at(right, b++));
  }
  return joinTouching(merged);
}

/** Every pair of spans with a common address, in ascending order. */
function* overlappingPairs(left: readonly Span[], right: readonly Span[]): Generator<[Span, Span]> {
  let a = 0;
  let b = 0;
  while (a < left.length && b < right.length) {
    const x = at(left, a);
    const y = at(right, b);
    if (x.first <= y.last && y.first <= x.last) yield [x, y];
    if (x.last < y.last) a += 1;
    else b += 1;
  }
}

/** Index of the first span that does not end before `point`. */
function firstEndingAtOrAfter(spans: readonly Span[], point: bigint): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(spans, middle).last < point) low = middle + 1;
    else high = middle;
  }
  return low;
}
