import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { integer, oid, time } from "./der.ts";
import { parseIdentifier } from "./identifier.ts";
import { challengeCertificate, generateKey, selfSignedCertificate } from "./x509.ts";

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

describe("selfSignedCertificate", () => {
  const key = generateKey();
  const names = ["hs.example.org", "192.0.2.7", "2001:db8::1"].map(parseIdentifier);
  const leaf = new X509Certificate(selfSignedCertificate(key, names, { now, days: 10_000 }));

  test("is signed by its own key", () => {
    expect(leaf.checkPrivateKey(key)).toBe(true);
    expect(leaf.verify(leaf.publicKey)).toBe(true);
  });

  test("names hosts and addresses", () => {
    expect(leaf.subjectAltName).toBe("DNS:hs.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:1");
    expect(leaf.ca).toBe(false);
  });

  test("starts an hour ago and may end after 2049", () => {
    expect(leaf.validFromDate.getTime()).toBe(now - 3_600_000);
    expect(leaf.validToDate.getTime()).toBe(now + 10_000 * 86_400_000);
  });
});

describe("challengeCertificate", () => {
  test("carries the hash of the key authorization in a critical extension", () => {
    const pem = challengeCertificate(generateKey(), parseIdentifier("a.example"), "token.thumbprint", now);
    // id-pe-acmeIdentifier, TRUE, OCTET STRING(OCTET STRING(32 bytes)); printf token.thumbprint | sha256sum
    const expected = `06082b0601050507011f0101ff04220420${"eb5ac167fe249c76e53b430da3116c5d9fde4c5507ba6d01e885516e1bd49f92"}`;
    expect(new X509Certificate(pem).raw.toString("hex")).toContain(expected);
  });
});

describe("der", () => {
  test.for([
    { what: "oid with a large arc", der: oid("1.2.840.113549.1.9.14"), hex: "06092a864886f70d01090e" },
    { what: "oid of an extension", der: oid("2.5.29.17"), hex: "0603551d11" },
    { what: "zero", der: integer(Uint8Array.of(0, 0)), hex: "020100" },
    { what: "an integer whose top bit is set", der: integer(Uint8Array.of(0, 0x87)), hex: "02020087" },
    { what: "the last UTCTime", der: time(Date.UTC(2049, 11, 31)), hex: `170d${ascii("491231000000Z")}` },
    { what: "the first GeneralizedTime", der: time(Date.UTC(2050, 0, 1)), hex: `180f${ascii("20500101000000Z")}` },
  ])("writes $what", ({ der, hex }) => {
    expect(der.toString("hex")).toBe(hex);
  });
});

function ascii(text: string): string {
  return Buffer.from(text).toString("hex");
}
