import { describe, expect, test } from "vitest";
import { splitHostPort } from "./destination.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { parsePorts, parseProtocol, parseProtocolPorts } from "./ports.ts";
import { parseAssertion } from "./postures.ts";
import { quote } from "./quote.ts";
import { lexSelector } from "./selector.ts";

describe("lexSelector", () => {
  test.for([
    ["*", "any"],
    ["ana@corp.test", "user"],
    ["ana@", "user"],
    ["user:*@corp.test", "domain"],
    ["group:eng", "group"],
    ["group:eng@corp.test", "group"],
    ["tag:db", "tag"],
    ["autogroup:self", "autogroup"],
    ["ipset:x", "ipset"],
    ["svc:web", "service"],
    ["posture:x", "posture"],
    ["100.64.0.1", "prefix"],
    ["fd7a::1", "prefix"],
    ["10.0.0.0/8", "prefix"],
    ["10.0.0.0/33", "host"],
    ["db", "host"],
    ["", "host"],
  ] as const)("takes %j for a %s", ([text, kind]) => {
    expect(lexSelector(text, 7)).toMatchObject({ kind, text, at: 7 });
  });

  test("drops bits behind a prefix length, and knows a CIDR from an address", () => {
    expect(lexSelector("10.1.2.3/8", 0)).toMatchObject({ prefix: "10.0.0.0/8", cidr: true });
    expect(lexSelector("10.1.2.3/32", 0)).toMatchObject({ prefix: "10.1.2.3/32", cidr: true });
    expect(lexSelector("10.1.2.3", 0)).toMatchObject({ prefix: "10.1.2.3/32", cidr: false });
  });

  test("reads the older name of autogroup:member", () => {
    expect(lexSelector("autogroup:members", 0)).toMatchObject({ name: "member" });
  });
});

describe("parsePorts", () => {
  test.for([
    ["*", [[0, 65535]]],
    ["22", [[22, 22]]],
    ["80-443", [[80, 443]]],
    ["1-65535", [[1, 65535]]],
    [
      "80,443,8000-8100",
      [
        [80, 80],
        [443, 443],
        [8000, 8100],
      ],
    ],
  ] as const)("reads %s", ([text, ranges]) => {
    expect(parsePorts(text)).toEqual(ranges.map(([First, Last]) => ({ First, Last })));
  });

  test.for([
    ["0", "port range \"0\": first port must be >0, or use '*' for wildcard"],
    ["0-9", "port range \"0-9\": first port must be >0, or use '*' for wildcard"],
    ["icmp", 'port range "icmp": invalid first integer'],
    ["65536", 'port range "65536": invalid first integer'],
    ["-1", 'port range "-1": invalid first integer'],
    ["1-", 'port range "1-": invalid last integer'],
    ["1-70000", 'port range "1-70000": invalid last integer'],
    ["9-1", 'port range "9-1": first port must be >= last port'],
    ["1-2-3", 'port range "1-2-3": too many dashes(-)'],
    ["80,", 'port range "80,": invalid first integer'],
    ["", 'invalid port list: ""'],
    ["1e3", 'port range "1e3": invalid first integer'],
  ] as const)("refuses %j", ([text, error]) => {
    expect(parsePorts(text)).toEqual({ error });
  });

  test("stays linear over a list of a hundred thousand ports", () => {
    expect(parsePorts(Array(100_000).fill("80").join(","))).toHaveLength(100_000);
  });
});

describe("parseProtocolPorts", () => {
  test.for([
    ["*", undefined, 65535],
    ["47", undefined, 47],
    ["tcp:443", 6, 443],
    ["TCP:443", 6, 443],
    ["6:443", 6, 443],
    ["*:443", undefined, 443],
    ["icmp:*", 1, 65535],
    ["gre:*", 47, 65535],
  ] as const)("reads %s", ([text, protocol, last]) => {
    expect(parseProtocolPorts(text)).toMatchObject({ protocol, ports: [{ Last: last }] });
  });

  test.for([
    ["icmp", 'port range "icmp": invalid first integer'],
    ["", "empty string"],
    [":80", "empty protocol"],
    ["ftp:21", 'proto name "ftp" not known; use protocol number 0-255'],
    ["constructor:1", 'proto name "constructor" not known; use protocol number 0-255'],
    ["tcp:", 'invalid port list: ""'],
  ] as const)("refuses %j", ([text, error]) => {
    expect(parseProtocolPorts(text)).toEqual({ error });
  });
});

describe("parseProtocol", () => {
  test.for([
    ["", undefined],
    ["0", undefined],
    ["udp", 17],
    ["IPv6-ICMP", 58],
    ["255", 255],
  ] as const)("reads %j", ([text, number]) => {
    expect(parseProtocol(text)).toBe(number);
  });

  test.for(["256", "*", "-1", "tcp ", "1.0"])("refuses %j", (text) => {
    expect(parseProtocol(text)).toHaveProperty("error");
  });
});

describe("splitHostPort", () => {
  test.for([
    ["tag:db:22", "tag:db", "22"],
    ["*:*", "*", "*"],
    ["fd7a::/64:22", "fd7a::/64", "22"],
    ["[fd7a::1]:22", "fd7a::1", "22"],
    ["[fd7a::1]/64:22", "fd7a::1/64", "22"],
    ["group:eng@corp.test:80,443", "group:eng@corp.test", "80,443"],
  ] as const)("splits %s", ([text, host, ports]) => {
    expect(splitHostPort(text)).toEqual({ host, ports });
  });

  test.for(["db", "", "[1.2.3.4]:22", "[db]:22", "[fd7a::1]22", "[fd7a::1", "[]:22"])("refuses %j", (text) => {
    expect(splitHostPort(text)).toHaveProperty("error");
  });
});

describe("durations", () => {
  test.for([
    ["1h", 3600e9, "1h0m0s"],
    ["-1m", -60e9, "-1m0s"],
    ["168h0m1s", 604_801e9, "168h0m1s"],
    ["1.5s", 1.5e9, "1.5s"],
    ["250ms", 250e6, "250ms"],
    ["0", 0, "0s"],
    ["90m", 5400e9, "1h30m0s"],
  ] as const)("%s is read and written as Go does", ([text, ns, printed]) => {
    expect(parseDuration(text)).toBe(ns);
    expect(formatDuration(ns)).toBe(printed);
  });

  test.for([
    ["abc", 'time: invalid duration "abc"'],
    ["", 'time: invalid duration ""'],
    ["1", 'time: missing unit in duration "1"'],
    ["1h5", 'time: missing unit in duration "1h5"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["-", 'time: invalid duration "-"'],
    ["99999999h", 'time: invalid duration "99999999h"'],
  ] as const)("refuses %j", ([text, error]) => {
    expect(parseDuration(text)).toEqual({ error });
  });
});

describe("quote", () => {
  test.for([
    ["plain", '"plain"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["a\nb\u0001", '"a\\nb\\x01"'],
    ["héllo 世界", '"héllo 世界"'],
    ["\u200b", '"\\u200b"'],
  ] as const)("writes %j as the service does", ([text, quoted]) => {
    expect(quote(text)).toBe(quoted);
  });
});

describe("parseAssertion", () => {
  test.for([
    ["node:os == 'macos'", { attribute: "node:os", operator: "==", values: ["macos"] }],
    ["node:tsVersion >= '1.60'", { attribute: "node:tsVersion", operator: ">=", values: ["1.60"] }],
    ["custom:tier IN ['a', \"b\", 3]", { attribute: "custom:tier", operator: "IN", values: ["a", "b", 3] }],
    ["custom:tier NOT  in ['a']", { attribute: "custom:tier", operator: "NOT IN", values: ["a"] }],
    ["custom:x IS SET", { attribute: "custom:x", operator: "IS SET", values: [] }],
    ["custom:x NOT SET", { attribute: "custom:x", operator: "NOT SET", values: [] }],
    ["custom:x != true", { attribute: "custom:x", operator: "!=", values: [true] }],
  ] as const)("reads %s", ([text, assertion]) => {
    expect(parseAssertion(text)).toEqual(assertion);
  });

  test.for(["", "node:os", "node:os ==", "os == 'x'", "node:os IN 'x'", "node:os ~ 'x'", "node:x IS SET now"])(
    "refuses %j",
    (text) => {
      expect(parseAssertion(text)).toBeUndefined();
    },
  );
});
