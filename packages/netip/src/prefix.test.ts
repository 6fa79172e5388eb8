import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Addr, addrFromValue, addrValue } from "./addr.ts";
import {
  comparePrefixes,
  isExitRoute,
  type Prefix,
  parsePrefix,
  prefixAddr,
  prefixBits,
  prefixContains,
  prefixCovers,
  prefixFrom,
  prefixOverlaps,
  prefixRange,
  singlePrefix,
} from "./prefix.ts";

describe("parsePrefix", () => {
  test.for([
    ["10.20.0.0/16", "10.20.0.0/16"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["::/0", "::/0"],
    ["FD7A:115C:A1E0:0::/48", "fd7a:115c:a1e0::/48"],
    ["100.64.0.1/32", "100.64.0.1/32"],
  ] as const)("reads %s as %s", ([text, canonical]) => {
    expect(parsePrefix(text)).toBe(canonical);
  });

  test.for([
    ["10.20.30.40/16", "10.20.0.0/16"],
    ["fd7a::1/64", "fd7a::/64"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["255.255.255.255/1", "128.0.0.0/1"],
  ] as const)("masks %s to %s when asked to, and refuses it otherwise", ([text, masked]) => {
    expect(parsePrefix(text, { hostBits: "mask" })).toBe(masked);
    expect(() => parsePrefix(text)).toThrow(expect.objectContaining({ code: "host-bits" }));
  });

  test.for([
    "",
    "/",
    "10.0.0.0",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/ 8",
    "10.0.0.0/1e1",
    `10.0.0.0/${"1".repeat(50_000)}`,
    "fe80::%eth0/64",
  ])("refuses %j", (text) => {
    expect(() => parsePrefix(text)).toThrow(expect.objectContaining({ code: "bad-prefix" }));
  });
});

const prefix = fc.oneof(
  fc
    .tuple(fc.bigInt({ min: 0n, max: 255n }), fc.integer({ min: 0, max: 32 }))
    .map(([v, bits]) => prefixFrom(4, v << 20n, bits)),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 255n }), fc.integer({ min: 0, max: 128 }))
    .map(([v, bits]) => prefixFrom(6, v << 116n, bits)),
);

describe("prefix algebra", () => {
  property.prop([prefix, prefix])("overlap is that one prefix holds the other's first address", (a, b) => {
    const obvious = prefixContains(a, prefixAddr(b)) || prefixContains(b, prefixAddr(a));
    expect(prefixOverlaps(a, b)).toBe(obvious);
  });

  property.prop([prefix, prefix])("covering is holding first and last address", (outer, inner) => {
    const { family, first, last } = prefixRange(inner);
    const both = [first, last].every((value) => prefixContains(outer, addrFromValue(family, value)));
    expect(prefixCovers(outer, inner)).toBe(both);
  });

  property.prop([prefix])("the parts of a prefix make the same prefix", (whole) => {
    const { family, first, last } = prefixRange(whole);
    expect(prefixFrom(family, last, prefixBits(whole))).toBe(whole);
    expect(first).toBe(addrValue(prefixAddr(whole)));
    expect(parsePrefix(whole)).toBe(whole);
  });

  test("a single address is a /32 or a /128", () => {
    expect(singlePrefix("100.64.0.1" as Addr)).toBe("100.64.0.1/32");
    expect(singlePrefix("fd7a::1" as Addr)).toBe("fd7a::1/128");
  });

  test("families never meet", () => {
    expect(prefixOverlaps("0.0.0.0/0" as Prefix, "::/0" as Prefix)).toBe(false);
    expect(prefixContains("::/0" as Prefix, "10.0.0.1" as Addr)).toBe(false);
  });

  test("only the two default routes are exit routes", () => {
    const prefixes = ["0.0.0.0/0", "::/0", "0.0.0.0/1", "10.0.0.0/8", "2000::/3"] as Prefix[];
    expect(prefixes.filter(isExitRoute)).toEqual(["0.0.0.0/0", "::/0"]);
  });

  test("sorts by family, address, then width", () => {
    const sorted = ["2.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "::/0"] as Prefix[];
    expect([...sorted].reverse().sort(comparePrefixes)).toEqual(sorted);
  });
});
