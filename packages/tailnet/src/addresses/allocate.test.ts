import { fc, test as prop } from "@fast-check/vitest";
import {
  type Addr,
  addrFromValue,
  addrValue,
  parseAddr,
  parsePrefix,
  prefixContains,
  prefixRange,
} from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { refusalOf } from "#change/server.fixture.ts";
import { type Allocation, allocate, isReserved } from "./allocate.ts";

const free = () => false;
const among = (...texts: string[]) => {
  const set = new Set(texts.map((text) => parseAddr(text)));
  return (addr: Addr) => set.has(addr);
};
const ask = (prefix: string, over: Partial<Allocation> = {}) =>
  allocate({ prefix: parsePrefix(prefix), taken: free, ...over });

describe("allocate one after the other", () => {
  test.for([
    { says: "begins behind the network's own address", prefix: "100.64.0.0/10", over: {}, gets: "100.64.0.1" },
    { says: "does so in IPv6", prefix: "fd7a:115c:a1e0::/48", over: {}, gets: "fd7a:115c:a1e0::1" },
    {
      says: "goes on behind the last",
      prefix: "100.64.0.0/10",
      over: { after: parseAddr("100.64.0.9") },
      gets: "100.64.0.10",
    },
    {
      says: "goes over the border of an octet",
      prefix: "100.64.0.0/10",
      over: { after: parseAddr("100.64.0.255") },
      gets: "100.64.1.0",
    },
    {
      says: "passes over what is taken",
      prefix: "100.64.0.0/10",
      over: { taken: among("100.64.0.1", "100.64.0.2") },
      gets: "100.64.0.3",
    },
    {
      says: "passes over what ChromeOS uses itself",
      prefix: "100.64.0.0/10",
      over: { after: parseAddr("100.115.91.255") },
      gets: "100.115.94.0",
    },
    {
      says: "passes over the address of MagicDNS",
      prefix: "100.64.0.0/10",
      over: { after: parseAddr("100.100.100.99") },
      gets: "100.100.100.101",
    },
    {
      says: "passes over MagicDNS's IPv6 address",
      prefix: "fd7a:115c:a1e0::/48",
      over: { after: parseAddr("fd7a:115c:a1e0::52") },
      gets: "fd7a:115c:a1e0::54",
    },
    {
      says: "begins anew when the last came from another prefix",
      prefix: "100.64.0.0/24",
      over: { after: parseAddr("10.0.0.5") },
      gets: "100.64.0.1",
    },
    {
      says: "comes back to a hole when it has reached the end",
      prefix: "10.0.0.0/29",
      over: { after: parseAddr("10.0.0.6"), taken: among("10.0.0.1", "10.0.0.6") },
      gets: "10.0.0.2",
    },
    {
      says: "does so from the broadcast address too",
      prefix: "10.0.0.0/29",
      over: { after: parseAddr("10.0.0.7") },
      gets: "10.0.0.1",
    },
    {
      says: "finds the only one of a /30",
      prefix: "10.0.0.0/30",
      over: { taken: among("10.0.0.1") },
      gets: "10.0.0.2",
    },
  ])("$says", ({ prefix, over, gets }) => {
    expect(ask(prefix, over)).toBe(gets);
  });
});

describe("allocate at random", () => {
  test.for([
    { random: 0, gets: "10.0.0.1" },
    { random: 0.5, gets: "10.0.0.128" },
    { random: 0.999_999_999, gets: "10.0.0.254" },
  ])("draws $gets for $random", ({ random, gets }) => {
    expect(ask("10.0.0.0/24", { random })).toBe(gets);
  });

  test("goes round when the rest is taken", () => {
    expect(ask("10.0.0.0/29", { random: 0.999, taken: among("10.0.0.6") })).toBe("10.0.0.1");
  });

  test("reaches all of an IPv6 prefix", () => {
    const last = ask("fd7a:115c:a1e0::/48", { random: 1 - 2 ** -53 });
    expect(last.startsWith("fd7a:115c:a1e0:ffff:ffff:ffff")).toBe(true);
  });
});

describe("a prefix without a free address", () => {
  test.for([
    { says: "one address", prefix: "10.0.0.1/32" },
    { says: "two, network and broadcast", prefix: "10.0.0.0/31" },
    { says: "one IPv6 address", prefix: "fd7a::1/128" },
    { says: "nothing but what ChromeOS uses", prefix: "100.115.92.0/24" },
  ])("of $says is exhausted from the start", ({ prefix }) => {
    expect(refusalOf(() => ask(prefix))).toBe("addresses-exhausted");
    expect(refusalOf(() => ask(prefix, { random: 0.5 }))).toBe("addresses-exhausted");
  });

  test("is exhausted when all are taken", () => {
    expect(refusalOf(() => ask("10.0.0.0/24", { taken: () => true }))).toBe("addresses-exhausted");
    expect(refusalOf(() => ask("10.0.0.0/24", { taken: () => true, random: 0.3 }))).toBe("addresses-exhausted");
  });
});

prop.prop([
  fc.constantFrom("10.0.0.0/29", "10.0.0.16/28", "fd7a::/125", "100.115.91.240/28"),
  fc.uniqueArray(fc.nat(15)),
  fc.option(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { nil: undefined }),
  fc.option(fc.nat(15), { nil: undefined }),
])(
  "an address is free, usable and in its prefix, and found whenever there is one",
  (text, takenOffsets, random, last) => {
    const prefix = parsePrefix(text);
    const { family, first, last: end } = prefixRange(prefix);
    const at = (offset: number) => addrFromValue(family, first + BigInt(offset));
    const taken = new Set(takenOffsets.map(at));
    const usable: Addr[] = [];
    for (let value = first + 1n; value < end; value++) {
      const addr = addrFromValue(family, value);
      if (!taken.has(addr) && !isReserved(addr)) usable.push(addr);
    }
    const asked = () =>
      allocate({
        prefix,
        taken: (addr) => taken.has(addr),
        ...(random !== undefined && { random }),
        ...(last !== undefined && { after: at(last) }),
      });
    if (usable.length === 0) expect(refusalOf(asked)).toBe("addresses-exhausted");
    else {
      expect(usable).toContain(asked());
      expect(prefixContains(prefix, asked())).toBe(true);
      expect(addrValue(asked())).not.toBe(first);
    }
  },
);
