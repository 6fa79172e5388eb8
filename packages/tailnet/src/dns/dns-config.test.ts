import { fc, test as prop } from "@fast-check/vitest";
import { addrFromValue, parsePrefix, prefixFrom, prefixRange } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { sampleView } from "#netmap/view.fixture.ts";
import type { TailnetId } from "#world/ids.ts";
import { type DnsSettings, dnsConfigFor, dnsConfigOf, reverseZones } from "./dns-config.ts";

const settings: DnsSettings = {
  magicDns: true,
  baseDomain: "example.test",
  overrideLocalDns: true,
  nameservers: [],
  splitNameservers: {},
  searchDomains: [],
};
const tailnet = { id: 1 as TailnetId, name: "default", createdAt: 0 };
const configOf = (over: Partial<DnsSettings> = {}) => dnsConfigOf({ ...settings, ...over }, tailnet, [], []);

describe("reverseZones", () => {
  test("of 100.64.0.0/10 are the 64 values of its second octet", () => {
    const zones = reverseZones(parsePrefix("100.64.0.0/10"));
    expect(zones).toEqual(Array.from({ length: 64 }, (_, i) => `${64 + i}.100.in-addr.arpa`));
  });

  test.for([
    { prefix: "10.0.0.0/8", zones: ["10.in-addr.arpa"] },
    { prefix: "100.64.0.0/16", zones: ["64.100.in-addr.arpa"] },
    { prefix: "192.168.1.0/24", zones: ["1.168.192.in-addr.arpa"] },
    { prefix: "192.168.2.0/23", zones: ["2.168.192.in-addr.arpa", "3.168.192.in-addr.arpa"] },
    { prefix: "10.1.2.3/32", zones: ["3.2.1.10.in-addr.arpa"] },
    { prefix: "10.1.2.2/31", zones: ["2.2.1.10.in-addr.arpa", "3.2.1.10.in-addr.arpa"] },
    { prefix: "fd7a:115c:a1e0::/48", zones: ["0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa"] },
    { prefix: "fd7a::/15", zones: ["a.7.d.f.ip6.arpa", "b.7.d.f.ip6.arpa"] },
    { prefix: "fd00::/8", zones: ["d.f.ip6.arpa"] },
  ])("of $prefix are $zones", ({ prefix, zones }) => {
    expect(reverseZones(parsePrefix(prefix))).toEqual(zones);
  });

  test.for([
    { prefix: "0.0.0.0/0", count: 256, last: "255.in-addr.arpa" },
    { prefix: "::/0", count: 16, last: "f.ip6.arpa" },
    { prefix: "0.0.0.0/1", count: 128, last: "127.in-addr.arpa" },
    { prefix: "10.0.0.0/9", count: 128, last: "127.10.in-addr.arpa" },
    { prefix: "8000::/1", count: 8, last: "f.ip6.arpa" },
  ])("of $prefix are no more than $count", ({ prefix, count, last }) => {
    const zones = reverseZones(parsePrefix(prefix));
    expect([zones.length, zones.at(-1)]).toEqual([count, last]);
  });

  /** The full reverse name of one address, the slow way. */
  const reverseName = (family: 4 | 6, value: bigint) =>
    family === 4
      ? `${addrFromValue(4, value).split(".").reverse().join(".")}.in-addr.arpa`
      : `${[...value.toString(16).padStart(32, "0")].reverse().join(".")}.ip6.arpa`;

  prop.prop([fc.constantFrom(4 as const, 6 as const), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.nat(128)])(
    "hold the names of the prefix's addresses and of no others",
    (family, seed, wanted) => {
      const width = family === 4 ? 32 : 128;
      const prefix = prefixFrom(family, seed >> BigInt(128 - width), wanted % (width + 1));
      const { first, last } = prefixRange(prefix);
      const zones = reverseZones(prefix);
      const covers = (value: bigint) => zones.some((zone) => `.${reverseName(family, value)}`.endsWith(`.${zone}`));
      for (const inside of [first, last, (first + last) / 2n]) expect(covers(inside)).toBe(true);
      if (first > 0n) expect(covers(first - 1n)).toBe(false);
      if (last < (1n << BigInt(width)) - 1n) expect(covers(last + 1n)).toBe(false);
    },
  );
});

describe("dnsConfigOf", () => {
  test("turns MagicDNS on with its suffix and reverse zones answered by clients themselves", () => {
    const prefixes = [parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")];
    expect(dnsConfigOf(settings, tailnet, prefixes, [])).toEqual({
      Proxied: true,
      Routes: { "example.test": [], "10.in-addr.arpa": [], "d.f.ip6.arpa": [] },
      Domains: ["example.test"],
    });
  });

  test("puts another namespace under a suffix of its own", () => {
    const lab = { ...tailnet, id: 2 as TailnetId, name: "lab" };
    expect(dnsConfigOf(settings, lab, [], []).Domains).toEqual(["lab.example.test"]);
  });

  test.for([
    { says: "switched off", over: { magicDns: false } },
    { says: "without a base domain", over: { baseDomain: "" } },
  ])("$says is only off, not absent", ({ over }) => {
    expect(configOf(over)).toEqual({ Proxied: false });
  });

  test.for([
    { overrideLocalDns: true, field: "Resolvers" },
    { overrideLocalDns: false, field: "FallbackResolvers" },
  ])("with override $overrideLocalDns names its servers as $field", ({ overrideLocalDns, field }) => {
    const config = configOf({ overrideLocalDns, nameservers: ["1.1.1.1", "https://dns.nextdns.io/abc"] });
    expect(config).toMatchObject({ [field]: [{ Addr: "1.1.1.1" }, { Addr: "https://dns.nextdns.io/abc" }] });
    expect("Resolvers" in config && "FallbackResolvers" in config).toBe(false);
  });

  test("sends split domains to their own servers, and lists search domains behind the suffix", () => {
    const config = configOf({ splitNameservers: { "corp.test": ["10.0.0.1"] }, searchDomains: ["corp.test"] });
    expect(config.Routes).toEqual({ "example.test": [], "corp.test": [{ Addr: "10.0.0.1" }] });
    expect(config.Domains).toEqual(["example.test", "corp.test"]);
  });

  test("never writes null for a list: clients would lose it", () => {
    const config = configOf({ splitNameservers: { "local.test": [] } });
    expect(config.Routes?.["local.test"]).toEqual([]);
  });

  test("passes extra records on", () => {
    const records = [{ Name: "nas.example.test", Type: "A", Value: "100.64.0.9" }];
    expect(dnsConfigOf(settings, tailnet, [], records).ExtraRecords).toEqual(records);
  });
});

describe("dnsConfigFor", () => {
  const ask = (addr: string, capabilities: readonly string[] = [], os = "linux") => {
    const { view, node } = sampleView({ capabilities, hostinfo: os === "" ? {} : { OS: os } });
    const dns = { Resolvers: [{ Addr: addr }], Routes: { "x.test": [{ Addr: addr }], "y.test": [] } };
    const config = dnsConfigFor({ ...view, dns }, node);
    expect(config.Routes?.["x.test"]?.[0]).toEqual(config.Resolvers?.[0]);
    expect(config.Routes?.["y.test"]).toEqual([]);
    return config.Resolvers?.[0]?.Addr;
  };
  const device = "device_name=box&device_model=linux&device_ip=100.64.0.1";

  test.for([
    {
      says: "tells NextDNS about the device",
      addr: "https://dns.nextdns.io/abc",
      caps: [],
      gets: `https://dns.nextdns.io/abc?${device}`,
    },
    {
      says: "keeps what the address asks already",
      addr: "https://dns.nextdns.io/abc?x=1",
      caps: [],
      gets: `https://dns.nextdns.io/abc?x=1&${device}`,
    },
    { says: "knows the bare host", addr: "https://dns.nextdns.io", caps: [], gets: `https://dns.nextdns.io?${device}` },
    {
      says: "tells nothing when policy forbids it",
      addr: "https://dns.nextdns.io/abc",
      caps: ["nextdns:no-device-info"],
      gets: "https://dns.nextdns.io/abc",
    },
    {
      says: "takes the profile of the policy",
      addr: "https://dns.nextdns.io/abc",
      caps: ["nextdns:def", "nextdns:no-device-info"],
      gets: "https://dns.nextdns.io/def",
    },
    {
      says: "takes the first of several profiles by name",
      addr: "https://dns.nextdns.io/abc?x=1",
      caps: ["nextdns:zz", "nextdns:aa", "nextdns:no-device-info"],
      gets: "https://dns.nextdns.io/aa",
    },
    {
      says: "passes over a profile that would write into the URL",
      addr: "https://dns.nextdns.io/abc",
      caps: ["nextdns:a/../b", "nextdns:a?x", "nextdns:", "nextdns:no-device-info"],
      gets: "https://dns.nextdns.io/abc",
    },
    { says: "leaves other servers alone", addr: "1.1.1.1", caps: ["nextdns:def"], gets: "1.1.1.1" },
    {
      says: "is not taken in by a host that begins like NextDNS",
      addr: "https://dns.nextdns.io.evil.test/abc",
      caps: ["nextdns:def"],
      gets: "https://dns.nextdns.io.evil.test/abc",
    },
  ])("$says", ({ addr, caps, gets }) => {
    expect(ask(addr, caps)).toBe(gets);
  });

  test("says nothing of a system that the client did not name", () => {
    expect(ask("https://dns.nextdns.io/abc", [], "")).not.toContain("device_model");
  });

  test("escapes what the client says of itself", () => {
    expect(ask("https://dns.nextdns.io/abc", [], "a&b=c#d")).toContain("device_model=a%26b%3Dc%23d");
  });

  test("is the tailnet's own object when there is nothing to rewrite", () => {
    const { view, node } = sampleView({});
    expect(dnsConfigFor(view, node)).toBe(view.dns);
  });
});
