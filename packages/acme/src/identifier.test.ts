import { describe, expect, test } from "vitest";
import { AcmeError } from "./acme-error.ts";
import { challengeServerName, ipBytes, parseIdentifier } from "./identifier.ts";

describe("parseIdentifier", () => {
  test.for([
    { text: "hs.example.org", type: "dns", value: "hs.example.org" },
    { text: "HS.Example.ORG.", type: "dns", value: "hs.example.org" },
    { text: "bücher.example", type: "dns", value: "xn--bcher-kva.example" },
    { text: "192.0.2.7", type: "ip", value: "192.0.2.7" },
    { text: "2001:DB8::0:1", type: "ip", value: "2001:db8::1" },
    { text: "::1", type: "ip", value: "::1" },
  ])("reads $text as $type $value", ({ text, type, value }) => {
    expect(parseIdentifier(text)).toEqual({ type, value });
  });

  test.for([
    "",
    "localhost",
    "*.example.org",
    "a..b",
    "-a.example",
    "a-.example",
    "exa mple.org",
    "https://a.example",
    "a.example:443",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(127)}example`,
    "256.1.1.1/8",
    "a.example\r\nHost: b",
  ])("refuses %j", (text) => {
    expect(() => parseIdentifier(text)).toThrow(AcmeError);
  });
});

describe("challengeServerName", () => {
  test.for([
    { text: "hs.example.org", name: "hs.example.org" },
    { text: "127.0.0.1", name: "1.0.0.127.in-addr.arpa" },
    {
      text: "2001:db8::1",
      name: "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    },
  ])("is $name for $text", ({ text, name }) => {
    expect(challengeServerName(parseIdentifier(text))).toBe(name);
  });
});

describe("ipBytes", () => {
  test.for([
    { text: "1.2.3.4", hex: "01020304" },
    { text: "::", hex: "0".repeat(32) },
    { text: "fd7a:115c:a1e0::ab12:4843", hex: "fd7a115ca1e0000000000000ab124843" },
    { text: "1:2:3:4:5:6:7:8", hex: "00010002000300040005000600070008" },
    { text: "::ffff:1.2.3.4", hex: `${"0".repeat(20)}ffff01020304` },
  ])("writes $text as $hex", ({ text, hex }) => {
    expect(Buffer.from(ipBytes(text)).toString("hex")).toBe(hex);
  });
});
