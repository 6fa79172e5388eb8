import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PrivateKey } from "@headscale/tailcfg/keys";

/** The private key in a file (`privkey:` + 64 hex digits), made on the first start with mode 0600. @throws naming the path */
export async function readOrMakeKey(path: string): Promise<PrivateKey> {
  try {
    return PrivateKey.parse(await readFile(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw new Error(`${path}: cannot be read as a private key`, { cause: error });
    }
  }
  const key = new PrivateKey(randomBytes(32));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Flushed: clients keep the public half for as long as they run, and a server that lost this one is lost to them.
  await writeFile(path, `${key.toFileText()}\n`, { mode: 0o600, flag: "wx", flush: true });
  return key;
}
