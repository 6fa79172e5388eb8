import { createHash, X509Certificate } from "node:crypto";
import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { certificatePin, metaCertificate, selfSignedCertificate } from "./certificate.ts";
import { bitString, integer, objectIdentifier, tagged, time, tlv } from "./der.ts";

const now = new Date("2026-01-02T03:04:05Z");
const publicKey = NodeKey.fromBytes(Buffer.alloc(32, 0xab));

describe("metaCertificate", () => {
  const parsed = new X509Certificate(metaCertificate(publicKey, now));

  test("names the relay's key and the protocol's version", () => {
    expect(parsed.subject).toBe(`CN=derpkey${"ab".repeat(32)}`);
    expect(parsed.issuer).toBe(parsed.subject);
    expect(parsed.serialNumber).toBe("02");
  });

  test("is signed by its own Ed25519 key, a fresh one each time", () => {
    expect(parsed.publicKey.asymmetricKeyType).toBe("ed25519");
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(metaCertificate(publicKey, now)).not.toBe(metaCertificate(publicKey, now));
  });

  test("has one extension, BasicConstraints, and is small", () => {
    expect(parsed.raw.toString("hex").match(/0603551d/g)).toEqual(["0603551d"]);
    expect(parsed.raw.toString("hex")).toContain("0603551d13");
    expect(parsed.ca).toBe(false);
    expect(parsed.raw.length).toBeLessThan(420);
  });

  test("is valid a month either way", () => {
    expect([parsed.validFromDate, parsed.validToDate]).toEqual([
      new Date("2025-12-03T03:04:05Z"),
      new Date("2026-02-01T03:04:05Z"),
    ]);
  });
});

describe("selfSignedCertificate", () => {
  test("holds for each of its names, and no other", () => {
    const { cert, key } = selfSignedCertificate({ names: ["relay.test", "192.0.2.7", "2001:db8::7"], now });
    const parsed = new X509Certificate(cert);
    expect(parsed.checkHost("relay.test")).toBe("relay.test");
    expect(parsed.checkIP("192.0.2.7")).toBe("192.0.2.7");
    expect(parsed.checkIP("2001:db8::7")).toBe("2001:db8::7");
    expect([parsed.checkHost("other.test"), parsed.checkIP("192.0.2.8")]).toEqual([undefined, undefined]);
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
  });

  test("is valid from an hour ago for ten years, or as long as asked", () => {
    const dates = (days?: number) => {
      const parsed = new X509Certificate(selfSignedCertificate({ names: ["a.test"], now, ...(days && { days }) }).cert);
      return [parsed.validFromDate.toISOString(), parsed.validToDate.toISOString()];
    };
    expect(dates()).toEqual(["2026-01-02T02:04:05.000Z", "2035-12-31T03:04:05.000Z"]);
    expect(dates(9_125)).toEqual(["2026-01-02T02:04:05.000Z", "2050-12-27T03:04:05.000Z"]);
  });

  test("has a subject even for a very long name", () => {
    const name = `${"long.".repeat(20)}test`;
    expect(new X509Certificate(selfSignedCertificate({ names: [name], now }).cert).checkHost(name)).toBe(name);
  });

  test("needs a name", () => {
    expect(() => selfSignedCertificate({ names: [], now })).toThrow(/names/);
  });
});

describe("certificatePin", () => {
  test("is the lower-case SHA-256 of the first certificate's DER, whatever follows", () => {
    const { cert } = selfSignedCertificate({ names: ["a.test"], now });
    const { raw } = new X509Certificate(cert);
    const pin = `sha256-raw:${createHash("sha256").update(raw).digest("hex")}`;
    expect(certificatePin(cert)).toBe(pin);
    expect(certificatePin(cert + metaCertificate(publicKey, now))).toBe(pin);
    expect(pin).toMatch(/^sha256-raw:[0-9a-f]{64}$/);
  });
});

describe("DER", () => {
  test.for([
    { says: "a short value", der: tlv(4, Buffer.alloc(127)), starts: "047f" },
    { says: "a value of 128 bytes", der: tlv(4, Buffer.alloc(128)), starts: "048180" },
    { says: "a value of 256 bytes", der: tlv(4, Buffer.alloc(256)), starts: "04820100" },
    { says: "zero", der: integer(Buffer.of(0)), starts: "020100" },
    { says: "an integer that would look negative", der: integer(Buffer.of(0x80)), starts: "02020080" },
    { says: "an integer with needless zeros", der: integer(Buffer.of(0, 0, 5)), starts: "020105" },
    { says: "bits", der: bitString(Buffer.of(0x80), 7), starts: "03020780" },
    { says: "an object identifier", der: objectIdentifier("1.2.840.10045.4.3.2"), starts: "06082a8648ce3d040302" },
    { says: "a context tag", der: tagged(3, integer(Buffer.of(2))), starts: "a303020102" },
    { says: "the end of 2049", der: time(new Date("2049-12-31T23:59:59Z")), starts: "170d3439313233313233353935395a" },
    {
      says: "the start of 2050",
      der: time(new Date("2050-01-01T00:00:00Z")),
      starts: "180f32303530303130313030303030305a",
    },
  ])("writes $says", ({ der, starts }) => {
    expect(der.toString("hex").slice(0, starts.length)).toBe(starts);
  });
});
