import { createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  bitString,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  TRUE,
  tagged,
  time,
  utf8String,
} from "./der.ts";

/** What makes a self-signed certificate. Source: RFC 5280 section 4.1. */
export interface SelfSigned {
  /** EC P-256 or Ed25519. */
  readonly privateKey: KeyObject;
  readonly commonName: string;
  /** Positive, big endian. */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Built by `extension`. */
  readonly extensions: readonly Buffer[];
}

const VERSION_3 = tagged(0, integer(Buffer.of(2)));
const COMMON_NAME = objectIdentifier("2.5.4.3");
const SIGNATURES = {
  /** ecdsa-with-SHA256, RFC 5758 section 3.2. */
  ec: { algorithm: sequence(objectIdentifier("1.2.840.10045.4.3.2")), digest: "sha256" },
  /** RFC 8410 section 3. */
  ed25519: { algorithm: sequence(objectIdentifier("1.3.101.112")), digest: null },
} as const;

export function extension(dotted: string, value: Buffer, { isCritical = false } = {}): Buffer {
  return sequence(objectIdentifier(dotted), ...(isCritical ? [TRUE] : []), octetString(value));
}

/** BasicConstraints without CA; macOS wants it when subject and issuer are the same. */
export const NO_AUTHORITY = extension("2.5.29.19", sequence(), { isCritical: true });

/** A certificate in DER. Written by hand because OpenSSL refuses to make a common name over 64 characters. */
export function selfSignedDer(what: SelfSigned): Buffer {
  const { algorithm, digest } = SIGNATURES[what.privateKey.asymmetricKeyType as keyof typeof SIGNATURES];
  const name = sequence(setOf(sequence(COMMON_NAME, utf8String(what.commonName))));
  const toBeSigned = sequence(
    VERSION_3,
    integer(what.serial),
    algorithm,
    name,
    sequence(time(what.notBefore), time(what.notAfter)),
    name,
    createPublicKey(what.privateKey).export({ type: "spki", format: "der" }),
    tagged(3, sequence(...what.extensions)),
  );
  return sequence(toBeSigned, algorithm, bitString(sign(digest, toBeSigned, what.privateKey)));
}

export function certificatePem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
