import { X509Certificate } from "node:crypto";
import type { AcmeClient } from "./acme-client.ts";
import { parseRenewalWindow } from "./answers.ts";
import type { RenewalWindow } from "./renewal.ts";

const hourMs = 3_600_000;
/** How often to ask again: as the authority says, within these; RFC 9773 §4.3.1 and .2. */
export const askAgainMs = { least: hourMs, usual: 6 * hourMs, most: 24 * hourMs } as const;

/** `authorityKeyIdentifier.serial`, both base64url: how ARI and `replaces` name a certificate (RFC 9773 §4.1). */
export function certificateId(cert: string): string | undefined {
  const { raw, serialNumber } = new X509Certificate(cert);
  const authority = authorityKeyId(raw);
  if (!authority) return undefined;
  const serial = Buffer.from(serialNumber, "hex");
  const asInteger = (serial[0] ?? 0) & 0x80 ? Buffer.concat([Uint8Array.of(0), serial]) : serial;
  return `${authority.toString("base64url")}.${asInteger.toString("base64url")}`;
}

/** The authority's advice: a window (absent when it gave no usable one), and how long that answer is good for. */
export interface RenewalInfo {
  readonly window: RenewalWindow | undefined;
  readonly askAgainMs: number;
}

/** What the authority advises for `cert`; `undefined` when it has no ARI. @throws {AcmeError} */
export async function askRenewalInfo(client: AcmeClient, cert: string): Promise<RenewalInfo | undefined> {
  const id = certificateId(cert);
  const { renewalInfo } = client.directory;
  if (id === undefined || renewalInfo === undefined) return undefined;
  const answer = await client.get(`${renewalInfo.replace(/\/$/, "")}/${id}`);
  const again = answer.retryAfterMs ?? askAgainMs.usual;
  return {
    window: parseRenewalWindow(answer.json()),
    askAgainMs: Math.min(Math.max(again, askAgainMs.least), askAgainMs.most),
  };
}

/** keyIdentifier out of the extension 2.5.29.35 (RFC 5280 §4.2.1.1): OID, then OCTET STRING, SEQUENCE, [0]. */
function authorityKeyId(certificate: Buffer): Buffer | undefined {
  const oid = Buffer.from("0603551d23", "hex");
  const at = certificate.indexOf(oid);
  const [octets, , sequence, , tag, length] = certificate.subarray(at + oid.length, at + oid.length + 6);
  if (at === -1 || octets !== 0x04 || sequence !== 0x30 || tag !== 0x80 || length === undefined) return undefined;
  const start = at + oid.length + 6;
  return certificate.subarray(start, start + length);
}
