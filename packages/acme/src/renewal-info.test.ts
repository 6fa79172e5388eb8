import { sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bitString, context, contextBytes, integer, octets, oid, pem, sequence, set, time, utf8 } from "./der.ts";
import { certificateId } from "./renewal-info.ts";
import { generateKey } from "./x509.ts";

/** A certificate with the given serial number and, if any, authority key identifier. */
function certificate(serial: string, authority: string | undefined): string {
  const key = generateKey();
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const name = sequence(set(sequence(oid("2.5.4.3"), utf8("x"))));
  const identifier = Buffer.from(authority ?? "", "hex");
  const extensions = [
    sequence(oid("2.5.29.17"), octets(sequence(contextBytes(2, Buffer.from("x.example"))))),
    ...(authority ? [sequence(oid("2.5.29.35"), octets(sequence(contextBytes(0, identifier))))] : []),
  ];
  const body = sequence(
    context(0, integer(Uint8Array.of(2))),
    integer(Buffer.from(serial, "hex")),
    algorithm,
    name,
    sequence(time(0), time(1)),
    name,
    // The public half, as SubjectPublicKeyInfo.
    p256Spki(key),
    context(3, sequence(...extensions)),
  );
  return pem("CERTIFICATE", sequence(body, algorithm, bitString(sign("sha256", body, key))));
}

function p256Spki(key: ReturnType<typeof generateKey>): Buffer {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const point = Buffer.concat([Uint8Array.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return sequence(sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bitString(point));
}

describe("certificateId", () => {
  test("names RFC 9773's example certificate (§4.1)", () => {
    const pem = certificate("87654321", "69885b6b87464041e1b37b847ba0ae2cde01c8d4");
    expect(certificateId(pem)).toBe("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  });

  test("adds no zero to a serial number that is positive as it is", () => {
    expect(certificateId(certificate("01ff", "aa"))).toBe("qg.Af8");
  });

  test("has no name for a certificate without an authority key identifier", () => {
    expect(certificateId(certificate("01", undefined))).toBeUndefined();
  });
});
