import { createHash, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { ipBytes } from "#address/ip-bytes.ts";
import { bitString, objectIdentifier, sequence, tlv } from "./der.ts";
import { certificatePem, extension, NO_AUTHORITY, selfSignedDer } from "./x509.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Key usage digitalSignature, extended key usage serverAuth. RFC 5280 sections 4.2.1.3 and 4.2.1.12. */
const SIGNS = extension("2.5.29.15", bitString(Buffer.of(0x80), 7), { isCritical: true });
const SERVES = extension("2.5.29.37", sequence(objectIdentifier("1.3.6.1.5.5.7.3.1")));

export interface ServerCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface SelfSignedOptions {
  /** Host names and IP addresses, at least one; the first is the subject. */
  readonly names: readonly string[];
  readonly now: Date;
  /** Ten years if left out: a new certificate is a new pin, which every client must be told. */
  readonly days?: number;
}

/** A certificate that clients accept by its pin. Valid from an hour ago, for clocks that lag. */
export function selfSignedCertificate({ names, now, days = 3_650 }: SelfSignedOptions): ServerCertificate {
  const [commonName] = names;
  if (commonName === undefined) throw new RangeError("names: at least one is needed");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const der = selfSignedDer({
    privateKey,
    commonName: commonName.slice(0, 64),
    serial: Buffer.concat([Buffer.of(1), randomBytes(15)]),
    notBefore: new Date(now.getTime() - HOUR_MS),
    notAfter: new Date(now.getTime() + days * DAY_MS),
    extensions: [extension("2.5.29.17", sequence(...names.map(generalName))), NO_AUTHORITY, SIGNS, SERVES],
  });
  return { cert: certificatePem(der), key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

/**
 * `sha256-raw:` and the lower-case hex SHA-256 of a certificate's DER: the CertName of a DERPNode that clients from 1.82 on take
 * instead of a chain. Only one certificate, beside the meta certificate, may be served then. `pem`: the first certificate counts.
 * Source: tailscale net/tlsdial/tlsdial.go@de9ec7ee.
 */
export function certificatePin(pem: string): string {
  const { raw } = new X509Certificate(pem);
  return `sha256-raw:${createHash("sha256").update(raw).digest("hex")}`;
}

/** dNSName [2] or iPAddress [7]. RFC 5280 section 4.2.1.6. */
function generalName(name: string): Buffer {
  const address = ipBytes(name);
  return address ? tlv(0x87, address) : tlv(0x82, Buffer.from(name));
}
