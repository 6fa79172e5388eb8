import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { type ServerCertificate, selfSignedCertificate } from "#certificate/self-signed.ts";

const OWNER_ONLY = { mode: 0o600, flag: "wx" } as const;

/** The relay's key, in the file format of derper's `-c`, so that one can move from derper without a change of key. */
export function loadOrCreateKey(stateDir: string | undefined): PrivateKey {
  const fresh = () => new PrivateKey(randomBytes(32));
  if (stateDir === undefined) return fresh();
  const text = loadOrCreate(stateDir, "derper.key", () => JSON.stringify({ PrivateKey: fresh().toFileText() }));
  return PrivateKey.parse((JSON.parse(text) as { PrivateKey: string }).PrivateKey);
}

/** The self-signed certificate of a host name: kept, as clients know it by its pin. */
export function loadOrCreateCertificate(stateDir: string | undefined, hostname: string): ServerCertificate {
  const fresh = () => selfSignedCertificate({ names: [hostname], now: new Date() });
  if (stateDir === undefined) return fresh();
  const text = loadOrCreate(stateDir, `${hostname.replaceAll(/[^a-zA-Z0-9.-]/g, "_")}.json`, () =>
    JSON.stringify(fresh()),
  );
  return JSON.parse(text) as ServerCertificate;
}

function loadOrCreate(stateDir: string, name: string, create: () => string): string {
  const path = join(stateDir, name);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const text = create();
    writeFileSync(path, text, OWNER_ONLY);
    return text;
  }
}
