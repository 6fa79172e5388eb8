import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { byteSizeBetween } from "./byte-size.ts";
import { durationBetween, parseDuration } from "./duration.ts";
import { formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { fileMode } from "./file-mode.ts";
import { flag, listOf, text } from "./kind.ts";
import { domain, isNameserver, trustedPrefix } from "./network.ts";
import { serverUrl } from "./web-url.ts";

describe("parseDuration", () => {
  test.for([
    ["0", 0],
    ["800ms", 800],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["180d", 15_552_000_000],
    ["1w", 604_800_000],
    ["1y", 31_536_000_000],
    ["250us", 0.25],
    ["", undefined],
    ["30", undefined],
    ["-1s", undefined],
    ["1 h", undefined],
    ["h", undefined],
    ["1h30", undefined],
    ["1e3s", undefined],
    ["1000y", undefined],
    ["9".repeat(60), undefined],
    [`${"1h".repeat(1000)}`, undefined],
  ] as const)("reads %s as %s ms", ([written, ms]) => expect(parseDuration(written)).toBe(ms));

  property.prop([fc.nat(999), fc.nat(23), fc.nat(59), fc.nat(59)])("adds its parts up", (d, h, m, s) => {
    expect(parseDuration(`${d}d${h}h${m}m${s}s`)).toBe((((d * 24 + h) * 60 + m) * 60 + s) * 1000);
  });
});

describe("parseEndpoint", () => {
  test.for([
    ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
    [":443", { port: 443 }],
    [":http", { port: 80 }],
    ["[::]:8080", { host: "::", port: 8080 }],
    ["localhost:0", { host: "localhost", port: 0 }],
    ["8080", undefined],
    ["127.0.0.1", undefined],
    ["::1:8080", undefined],
    ["[127.0.0.1]:80", undefined],
    ["[::1:80", undefined],
    ["[]:80", undefined],
    ["1.2.3.4:65536", undefined],
    ["1.2.3.4:-1", undefined],
    ["1.2.3.4:80:90", undefined],
    ["-bad-:80", undefined],
    ["https://a:80", undefined],
    ["", undefined],
  ] as const)("reads %s as %o", ([written, endpoint]) => expect(parseEndpoint(written)).toEqual(endpoint));

  property.prop([fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(65_535)])(
    "reads back what formatEndpoint writes",
    (host, port) => {
      expect(parseEndpoint(formatEndpoint({ host, port }))).toEqual({ host, port });
    },
  );
});

describe("single values", () => {
  test.for([
    { kind: fileMode, good: ["0770", "660", "0o600"], bad: ["7770", "0789", "rwx", "", "-077"] },
    {
      kind: byteSizeBetween("1", "4GiB"),
      good: ["1", "4096", "16KiB", "1 MiB", "2gb", "4GiB"],
      bad: ["0", "-1", "1.5MiB", "1TiB", "KiB", "", "5GiB", "9".repeat(12)],
    },
    {
      kind: durationBetween("10ms", "1h"),
      good: ["10ms", "1.5s", "1h", "59m60s"],
      bad: ["0", "9ms", "61m", "30", "-1s", "1h1ms", ""],
    },
    { kind: flag, good: ["true", "No", "0", "ON"], bad: ["2", "", "tru", "maybe"] },
    {
      kind: trustedPrefix,
      good: ["10.0.0.0/8", "127.0.0.1", "fd00::1/8"],
      bad: ["0.0.0.0/0", "::/0", "10.0.0.0/33", "proxy"],
    },
    {
      kind: domain,
      good: ["tailnet.internal", "Example.COM", "a"],
      bad: ["a..b", "a.", ".a", "-a.b", "a b", "x".repeat(64), ""],
    },
    {
      kind: serverUrl,
      good: ["https://a.b", "http://10.0.0.1:8080/"],
      bad: ["a.b", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u:p@a"],
    },
  ])("$kind.wants", ({ kind, good, bad }) => {
    for (const written of good) expect(() => kind.parse(written)).not.toThrow();
    for (const written of bad) expect(() => kind.parse(written), written).toThrow(/^must be /);
    expect(() => kind.parse(["a"])).toThrow(/^must be /);
    expect(() => kind.parse({})).toThrow(/^must be /);
  });

  test("isNameserver knows what clients can use", () => {
    const used = [
      "1.1.1.1",
      "2606:4700::1",
      "1.1.1.1:53",
      "[2606:4700::1]:53",
      "https://dns.nextdns.io/a",
      "http://100.64.0.5:8080/dns-query",
    ];
    expect([...used, "dns.example.com", "tls://1.1.1.1", "https://"].filter(isNameserver)).toEqual(used);
  });

  test("a lone text makes a list by its white space", () => {
    expect(listOf(text).parse(" a\tb  c ")).toEqual(["a", "b", "c"]);
    expect(listOf(text).parse("")).toEqual([]);
  });
});
