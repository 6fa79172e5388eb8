import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parseProxyHeader } from "./proxy-protocol.ts";

const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** A version 2 header: version and command, family, then the block whose length it states. */
function version2(command: number, family: number, block: readonly number[] | Uint8Array, statedLength = block.length) {
  const head = Buffer.from([command, family, statedLength >> 8, statedLength & 255]);
  return Buffer.concat([signature, head, Uint8Array.from(block)]);
}
const addresses4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x34, 0x01, 0xbb];
const addresses6 = [
  ...Buffer.from("20010db8000000000000000000000001", "hex"),
  ...Array(16).fill(0),
  0x12,
  0x34,
  1,
  187,
];
/** PP2_TYPE_ALPN "h2" and PP2_TYPE_UNIQUE_ID. */
const tlvs = [0x01, 0, 2, 0x68, 0x32, 0x05, 0, 3, 1, 2, 3];

const wellFormed = [
  {
    says: "version 1, IPv4",
    bytes: Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n"),
    source: { address: "192.0.2.7", port: 4660 },
  },
  {
    says: "version 1, IPv6",
    bytes: Buffer.from("PROXY TCP6 2001:db8::1 ::1 4660 443\r\n"),
    source: { address: "2001:db8::1", port: 4660 },
  },
  { says: "version 1, unknown", bytes: Buffer.from("PROXY UNKNOWN\r\n"), source: undefined },
  {
    says: "version 1, unknown with addresses",
    bytes: Buffer.from(`PROXY UNKNOWN ${"f:".repeat(7)}f ${"f:".repeat(7)}f 65535 65535\r\n`),
    source: undefined,
  },
  { says: "version 2, IPv4", bytes: version2(0x21, 0x11, addresses4), source: { address: "192.0.2.7", port: 4660 } },
  {
    says: "version 2, IPv4 with TLVs",
    bytes: version2(0x21, 0x11, [...addresses4, ...tlvs]),
    source: { address: "192.0.2.7", port: 4660 },
  },
  {
    says: "version 2, IPv6",
    bytes: version2(0x21, 0x21, addresses6),
    source: { address: "2001:db8:0:0:0:0:0:1", port: 4660 },
  },
  {
    says: "version 2, IPv6 with TLVs",
    bytes: version2(0x21, 0x21, [...addresses6, ...tlvs]),
    source: { address: "2001:db8:0:0:0:0:0:1", port: 4660 },
  },
  { says: "version 2, LOCAL (a health check)", bytes: version2(0x20, 0x00, []), source: undefined },
  { says: "version 2, LOCAL with addresses to ignore", bytes: version2(0x20, 0x11, addresses4), source: undefined },
  { says: "version 2, unspecified family", bytes: version2(0x21, 0x00, tlvs), source: undefined },
  { says: "version 2, unix", bytes: version2(0x21, 0x31, new Uint8Array(216)), source: undefined },
] as const;

describe("parseProxyHeader", () => {
  test.for(wellFormed)("reads $says, and leaves what follows", ({ bytes, source }) => {
    const parsed = parseProxyHeader(Buffer.concat([bytes, Buffer.from("GET / HTTP/1.1\r\n")]));
    expect(parsed).toEqual({ kind: "header", length: bytes.length, source });
  });

  test.for(wellFormed)("waits for the rest at every cut of $says", ({ bytes }) => {
    for (let cut = 0; cut < bytes.length; cut++)
      expect(parseProxyHeader(bytes.subarray(0, cut)), `cut at ${cut}`).toEqual({ kind: "incomplete" });
  });

  test.for([
    { says: "an HTTP request", bytes: "GET / HTTP/1.1\r\n\r\n" },
    { says: "a TLS hello", bytes: "\x16\x03\x01" },
    { says: "lower case", bytes: "proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n" },
    { says: "an IPv6 address called TCP4", bytes: "PROXY TCP4 ::1 ::1 1 1\r\n" },
    { says: "an IPv4 address called TCP6", bytes: "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n" },
    { says: "another family", bytes: "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n" },
    { says: "a name of Object.prototype for a family", bytes: "PROXY constructor 1.2.3.4 1.2.3.4 1 1\r\n" },
    { says: "two spaces", bytes: "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n" },
    { says: "no ports", bytes: "PROXY TCP4 1.2.3.4 1.2.3.4\r\n" },
    { says: "one field too many", bytes: "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n" },
    { says: "a port over 65535", bytes: "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n" },
    { says: "a negative port", bytes: "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n" },
    { says: "an address with a leading zero", bytes: "PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n" },
    { says: "107 bytes without an end", bytes: `PROXY TCP4 ${"1".repeat(96)}` },
    { says: "an end after more than 107 bytes", bytes: `PROXY UNKNOWN ${"1".repeat(93)}\r\n` },
  ])("is none: version 1, $says", ({ bytes }) => {
    expect(parseProxyHeader(Buffer.from(bytes, "latin1"))).toEqual({ kind: "none" });
  });

  test.for([
    { says: "version 1 in a version 2 header", bytes: version2(0x11, 0x11, addresses4) },
    { says: "version 3", bytes: version2(0x31, 0x11, addresses4) },
    { says: "an unknown command", bytes: version2(0x22, 0x11, addresses4) },
    { says: "IPv4 with a block too short", bytes: version2(0x21, 0x11, addresses4.slice(1)) },
    { says: "IPv6 with a block too short", bytes: version2(0x21, 0x21, addresses6.slice(1)) },
    { says: "a datagram family", bytes: version2(0x21, 0x12, addresses4) },
    { says: "an unknown family", bytes: version2(0x21, 0x41, addresses4) },
    { says: "a length beyond any use", bytes: version2(0x21, 0x11, addresses4, 65_535) },
    {
      says: "a broken signature",
      bytes: Buffer.concat([signature.subarray(0, 11), Buffer.from("X"), Buffer.alloc(20)]),
    },
  ])("is none: version 2, $says", ({ bytes }) => {
    expect(parseProxyHeader(bytes)).toEqual({ kind: "none" });
  });

  property.prop([
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom("", "PROXY ", "PROXY TCP6 ", signature.toString("latin1")),
  ])("never asks for more than the longest header, nor claims bytes it has not seen", (tail, head) => {
    const bytes = Buffer.concat([Buffer.from(head, "latin1"), tail]);
    const parsed = parseProxyHeader(bytes);
    if (parsed.kind === "header") expect(parsed.length).toBeLessThanOrEqual(bytes.length);
    if (parsed.kind === "incomplete") expect(bytes.length).toBeLessThan(2_048);
  });
});
