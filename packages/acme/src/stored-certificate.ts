import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import type { CertificateCache } from "./certificate-cache.ts";
import type { Identifier } from "./identifier.ts";
import type { KeyPair } from "./order.ts";
import type { Validity } from "./renewal.ts";

/** A certificate as we keep it, its validity read from it. */
export interface StoredCertificate extends KeyPair, Validity {
  /** URL of the authority that issued it. */
  readonly directory: string;
}

/** Where the certificate for these names lies in a cache, whatever their order. */
export function certificatePlace(names: readonly Identifier[]): string {
  const sorted = names.map(({ type, value }) => `${type}:${value}`).sort();
  return `certificate/${createHash("sha256").update(sorted.join("\n")).digest("hex").slice(0, 32)}`;
}

/** @throws when `cert` is no certificate of `key`. */
export function storedCertificate({ key, cert }: KeyPair, directory: string): StoredCertificate {
  const leaf = new X509Certificate(cert);
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error("the private key is not the certificate's");
  const [notBefore, notAfter] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  return { key, cert, directory, notBefore, notAfter };
}

export async function saveCertificate(
  cache: CertificateCache,
  place: string,
  { key, cert, directory }: StoredCertificate,
): Promise<void> {
  await cache.put(place, JSON.stringify({ key, cert, directory }));
}

/** `undefined` for what is missing or damaged: then a new one is ordered. */
export async function loadCertificate(cache: CertificateCache, place: string): Promise<StoredCertificate | undefined> {
  const text = await cache.get(place);
  try {
    const { key, cert, directory } = JSON.parse(text ?? "");
    return storedCertificate({ key, cert }, String(directory));
  } catch {
    return undefined;
  }
}
