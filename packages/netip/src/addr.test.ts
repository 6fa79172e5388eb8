import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Addr, addrFamily, addrFromValue, addrValue, compareAddrs, parseAddr } from "./addr.ts";
import { NetipError } from "./netip-error.ts";

describe("parseAddr", () => {
  test.for([
    ["100.64.0.7", "100.64.0.7"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8::0001", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["fd7a:115c:a1e0:0:0:0:0:0", "fd7a:115c:a1e0::"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::ffff:c000:221", "::ffff:192.0.2.33"],
    ["::192.0.2.33", "::c000:221"],
  ] as const)("reads %s as %s", ([text, canonical]) => {
    expect(parseAddr(text)).toBe(canonical);
  });

  test.for([
    "",
    " ",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "+1.2.3.4",
    "1.2.3.-4",
    "1.2.3.4/32",
    "0x1.2.3.4",
    "１.2.3.4",
    "1..3.4",
    "9".repeat(100_000),
    ":",
    ":::",
    "1::2::3",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "[::1]",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3.400",
    "1:2:3:4:5:6:7:1.2.3.4",
    ":".repeat(45),
    `${"f".repeat(100_000)}::`,
  ])("refuses %j without quoting it", (text) => {
    expect(() => parseAddr(text)).toThrow(NetipError);
    expect(() => parseAddr(text)).toThrow(
      expect.objectContaining({ code: "bad-address", message: "not an IP address" }),
    );
  });

  test("refuses every proper beginning of an address that is not itself one", () => {
    const whole = "fd7a:115c:a1e0:1:2:3:4:5";
    for (let end = 0; end < whole.length; end += 1) expect(() => parseAddr(whole.slice(0, end))).toThrow(NetipError);
  });
});

const value4 = fc.bigInt({ min: 0n, max: 0xffff_ffffn });
const value6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | group, 0n));

/** The obvious spelling: every group, every zero. */
function longForm(value: bigint): string {
  const hex = value.toString(16).padStart(32, "0");
  return Array.from({ length: 8 }, (_, index) => hex.slice(index * 4, index * 4 + 4)).join(":");
}

describe("addrFromValue", () => {
  property.prop([value4])("is undone by addrValue for IPv4", (value) => {
    const addr = addrFromValue(4, value);
    expect(addrFamily(addr)).toBe(4);
    expect(addrValue(addr)).toBe(value);
    expect(parseAddr(addr)).toBe(addr);
  });

  property.prop([value6])("is undone by addrValue for IPv6, and the long spelling parses to the same", (value) => {
    const addr = addrFromValue(6, value);
    expect(addrFamily(addr)).toBe(6);
    expect(addrValue(addr)).toBe(value);
    expect(parseAddr(longForm(value))).toBe(addr);
  });

  property.prop([value6])("agrees with the platform's URL parser about IPv6 text", (value) => {
    fc.pre(value >> 32n !== 0xffffn); // URL writes mapped addresses in hex
    expect(`[${addrFromValue(6, value)}]`).toBe(new URL(`http://[${longForm(value)}]/`).hostname);
  });

  test.for([
    [4, -1n],
    [4, 1n << 32n],
    [6, 1n << 128n],
  ] as const)("refuses a value outside IPv%d", ([family, value]) => {
    expect(() => addrFromValue(family, value)).toThrow(expect.objectContaining({ code: "out-of-range" }));
  });
});

describe("compareAddrs", () => {
  test("puts IPv4 first and orders by value, not by text", () => {
    const sorted = ["10.0.0.2", "10.0.0.10", "::1", "::a"] as Addr[];
    expect([...sorted].reverse().sort(compareAddrs)).toEqual(sorted);
  });
});
