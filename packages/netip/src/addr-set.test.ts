import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Addr, addrFromValue, type Family } from "./addr.ts";
import { type AddrRange, formatAddrRange, parseAddrRange, rangePrefixes } from "./addr-range.ts";
import { AddrSet } from "./addr-set.ts";
import { type Prefix, prefixRange } from "./prefix.ts";

/** A world of 64 addresses a family, so that the oracle can look at each. */
const world: readonly Addr[] = ([4, 6] as const).flatMap((family) =>
  Array.from({ length: 64 }, (_, value) => addrFromValue(family, BigInt(value))),
);

const range: fc.Arbitrary<AddrRange> = fc
  .tuple(fc.constantFrom<Family>(4, 6), fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 63 }))
  .map(([family, a, b]) => ({ family, first: BigInt(Math.min(a, b)), last: BigInt(Math.max(a, b)) }));
const ranges = fc.array(range, { maxLength: 6 });

function members(set: AddrSet): ReadonlySet<Addr> {
  return new Set(world.filter((addr) => set.contains(addr)));
}

describe("AddrSet", () => {
  property.prop([ranges, ranges])("is the algebra of sets of addresses", (left, right) => {
    const a = AddrSet.ofRanges(left);
    const b = AddrSet.ofRanges(right);
    const [inA, inB] = [members(a), members(b)];
    expect(members(a.union(b))).toEqual(inA.union(inB));
    expect(members(a.intersect(b))).toEqual(inA.intersection(inB));
    expect(members(a.subtract(b))).toEqual(inA.difference(inB));
    expect(a.overlaps(b)).toBe(!inA.isDisjointFrom(inB));
    expect(a.covers(b)).toBe(inB.isSubsetOf(inA));
    expect(a.equals(b)).toBe(inA.size === inB.size && inA.isSubsetOf(inB));
    expect(a.size).toBe(BigInt(inA.size));
    expect(a.isEmpty).toBe(inA.size === 0);
  });

  property.prop([ranges, range])("finds a range exactly if an address of it is inside", (parts, probe) => {
    const set = AddrSet.ofRanges(parts);
    expect(set.overlapsRange(probe)).toBe(!members(set).isDisjointFrom(members(AddrSet.ofRanges([probe]))));
  });

  property.prop([ranges])("has one form: sorted, disjoint, never adjacent, whatever it was built from", (parts) => {
    const set = AddrSet.ofRanges(parts);
    const pieces = AddrSet.unionOf(parts.map((part) => AddrSet.ofRanges([part])));
    const single = AddrSet.ofAddrs(members(set));
    expect(pieces.texts()).toEqual(set.texts());
    expect(single.texts()).toEqual(set.texts());
    for (const [index, next] of set.ranges.slice(1).entries()) {
      const before = set.ranges[index] as AddrRange;
      expect(before.family < next.family || before.last + 1n < next.first).toBe(true);
    }
  });

  property.prop([ranges])("can be read back from its texts and from its prefixes", (parts) => {
    const set = AddrSet.ofRanges(parts);
    expect(AddrSet.ofRanges(set.texts().map(parseAddrRange)).equals(set)).toBe(true);
    expect(AddrSet.ofPrefixes(set.prefixes()).equals(set)).toBe(true);
  });

  test("writes each range in the shortest form clients read", () => {
    const tailnet = AddrSet.ofPrefixes(["100.64.0.0/10", "fd7a:115c:a1e0::/48"] as Prefix[]);
    const hole = AddrSet.ofPrefixes(["100.115.92.0/23"] as Prefix[]);
    expect(tailnet.subtract(hole).texts()).toEqual([
      "100.64.0.0-100.115.91.255",
      "100.115.94.0-100.127.255.255",
      "fd7a:115c:a1e0::/48",
    ]);
    expect(AddrSet.ofAddrs(["10.0.0.1", "10.0.0.2", "10.0.0.3"] as Addr[]).texts()).toEqual(["10.0.0.1-10.0.0.3"]);
    expect(AddrSet.ofAddrs(["fd7a::1"] as Addr[]).texts()).toEqual(["fd7a::1"]);
  });

  test("holds both whole families without joining them", () => {
    expect(AddrSet.all.texts()).toEqual(["0.0.0.0/0", "::/0"]);
    expect(AddrSet.all.subtract(AddrSet.all).isEmpty).toBe(true);
  });
});

describe("rangePrefixes", () => {
  property.prop([range])("covers the range exactly, in order, with no two prefixes that could be one", (whole) => {
    const prefixes = rangePrefixes(whole);
    let next = whole.first;
    for (const prefix of prefixes) {
      const part = prefixRange(prefix);
      expect(part.first).toBe(next);
      next = part.last + 1n;
    }
    expect(next).toBe(whole.last + 1n);
    for (const [index, prefix] of prefixes.slice(1).entries()) {
      const pair = AddrSet.ofPrefixes([prefixes[index] as Prefix, prefix]);
      expect(formatAddrRange(pair.ranges[0] as AddrRange)).not.toContain("/");
    }
  });
});

describe("parseAddrRange", () => {
  test.for([
    ["10.0.0.9-10.0.0.1", "bad-range"],
    ["10.0.0.1-::1", "family-mismatch"],
    ["10.0.0.1-", "bad-range"],
    ["-10.0.0.1", "bad-range"],
    ["10.0.0.1-10.0.0.2-10.0.0.3", "bad-range"],
    ["10.0.0.1/8", "bad-range"],
    ["*", "bad-range"],
    ["", "bad-range"],
  ] as const)("refuses %j", ([text, code]) => {
    expect(() => parseAddrRange(text)).toThrow(expect.objectContaining({ code }));
  });

  test("reads the three forms", () => {
    expect(formatAddrRange(parseAddrRange("10.0.0.7"))).toBe("10.0.0.7");
    expect(formatAddrRange(parseAddrRange("10.0.0.0-10.0.0.255"))).toBe("10.0.0.0/24");
    expect(formatAddrRange(parseAddrRange("fd7a::1-fd7a::3"))).toBe("fd7a::1-fd7a::3");
  });
});
