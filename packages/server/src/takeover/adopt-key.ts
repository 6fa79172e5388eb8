import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PrivateKey } from "@headscale/tailcfg/keys";

interface Adoption {
  /** File of the key to take over. */
  readonly noiseKey: string | undefined;
  readonly dryRun: boolean;
}

/**
 * Puts the old server's Noise key where ours will look for it. Whether there is one afterwards: without it, clients meet a
 * stranger. @throws when another key is there already, naming both files
 */
export async function adoptKey(path: string, { noiseKey, dryRun }: Adoption): Promise<boolean> {
  if (noiseKey === undefined) return existsSync(path);
  const key = await keyIn(noiseKey);
  if (existsSync(path)) {
    if ((await keyIn(path)).toFileText() === key.toFileText()) return true;
    throw new Error(`import: ${path} already holds another key than ${noiseKey}: move it away first`);
  }
  if (dryRun) return true;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, `${key.toFileText()}\n`, { mode: 0o600, flag: "wx", flush: true });
  return true;
}

async function keyIn(path: string): Promise<PrivateKey> {
  try {
    return PrivateKey.parse((await readFile(path, "utf8")).trim());
  } catch (cause) {
    throw new Error(`import: ${path} cannot be read as a private key`, { cause });
  }
}
