import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import {
  bitString,
  context,
  contextBytes,
  integer,
  isTrue,
  octets,
  oid,
  pem,
  sequence,
  set,
  time,
  utf8,
} from "./der.ts";
import { type Identifier, ipBytes } from "./identifier.ts";

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const dayMs = 86_400_000;

/** A fresh P-256 private key: the one kind we use for accounts and certificates. */
export function generateKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** PKCS #8 PEM. */
export function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** PKCS #10 (RFC 2986) with an empty subject; all names are in the SubjectAltName extension. DER. */
export function certificateRequest(key: KeyObject, names: readonly Identifier[]): Buffer {
  const extensionRequest = sequence(oid("1.2.840.113549.1.9.14"), set(sequence(subjectAltName(names))));
  return signed(key, sequence(integer(Uint8Array.of(0)), sequence(), spki(key), context(0, extensionRequest)));
}

/** A self-signed server certificate; PEM. `now` and the result's validity in epoch milliseconds and days. */
export function selfSignedCertificate(
  key: KeyObject,
  names: readonly Identifier[],
  { now, days, extensions = [] }: { now: number; days: number; extensions?: readonly Buffer[] },
): string {
  const subject = sequence(set(sequence(oid("2.5.4.3"), utf8(names[0]?.value ?? ""))));
  const hourAgo = now - 3_600_000; // for peers whose clock is behind
  const body = sequence(
    context(0, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(1, ...randomBytes(15))),
    ecdsaWithSha256,
    subject,
    sequence(time(hourAgo), time(now + days * dayMs)),
    subject,
    spki(key),
    context(
      3,
      sequence(
        subjectAltName(names),
        extension("2.5.29.19", sequence(), "critical"), // basicConstraints: not an authority
        extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"))), // extKeyUsage: serverAuth
        ...extensions,
      ),
    ),
  );
  return pem("CERTIFICATE", signed(key, body));
}

/** The certificate that answers TLS-ALPN-01 for one identifier. Source: RFC 8737 §3. */
export function challengeCertificate(key: KeyObject, name: Identifier, keyAuthorization: string, now: number): string {
  const digest = octets(createHash("sha256").update(keyAuthorization).digest());
  const acmeIdentifier = extension("1.3.6.1.5.5.7.1.31", digest, "critical");
  return selfSignedCertificate(key, [name], { now, days: 7, extensions: [acmeIdentifier] });
}

function subjectAltName(names: readonly Identifier[]): Buffer {
  const general = names.map(({ type, value }) =>
    type === "ip" ? contextBytes(7, ipBytes(value)) : contextBytes(2, Buffer.from(value)),
  );
  return extension("2.5.29.17", sequence(...general));
}

function extension(id: string, value: Buffer, critical?: "critical"): Buffer {
  return sequence(oid(id), ...(critical ? [isTrue] : []), octets(value));
}

function signed(key: KeyObject, body: Buffer): Buffer {
  return sequence(body, ecdsaWithSha256, bitString(sign("sha256", body, key)));
}

function spki(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}
