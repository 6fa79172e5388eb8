import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { certificatePin, selfSignedCertificate } from "@headscale/derp/certificate";

/** A certificate of our own making, kept so that its pin stays the same. */
export interface PinnedCertificate {
  readonly key: string;
  readonly cert: string;
  /** `sha256-raw:` + 64 hex digits */
  readonly pin: string;
}

/** Reads or makes the self-signed certificate for `host`; another host gets another one, and so does a damaged file. */
export async function pinnedCertificate(folder: string, host: string): Promise<PinnedCertificate> {
  const file = join(folder, `relay-${createHash("sha256").update(host).digest("hex").slice(0, 12)}.pem`);
  const stored = parseStored(await readFile(file, "utf8").catch(() => ""));
  if (stored) return stored;
  const { key, cert } = selfSignedCertificate({ names: [host], now: new Date() });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${key.trimEnd()}\n${cert}`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return { key, cert, pin: certificatePin(cert) };
}

/** `undefined` for what is missing, damaged or expired: a new pin costs a reconnection, no pin would cost the relay. */
function parseStored(text: string): PinnedCertificate | undefined {
  const split = text.indexOf("-----BEGIN CERTIFICATE-----");
  const [key, cert] = [text.slice(0, split), text.slice(split)];
  try {
    const parsed = new X509Certificate(cert);
    const isUsable = parsed.checkPrivateKey(createPrivateKey(key)) && parsed.validToDate.getTime() > Date.now();
    return isUsable ? { key, cert, pin: certificatePin(cert) } : undefined;
  } catch {
    return undefined;
  }
}
