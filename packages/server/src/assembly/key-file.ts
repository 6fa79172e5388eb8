import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { readBoundedFile } from "#config/bounded-file.ts";

/** A key has 73 bytes; the rest is room for white space. */
const maxKeyFileBytes = 4_096;

/** The private key in a file (`privkey:` + 64 hex digits), made on the first start with mode 0600. @throws naming the path */
export async function readOrMakeKey(path: string): Promise<PrivateKey> {
  const text = await read(path);
  if (text !== undefined) return parse(text, path);
  const key = new PrivateKey(randomBytes(32));
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // Flushed: clients keep the public half for as long as they run, and a server that lost this one is lost to them.
    await writeFile(path, `${key.toFileText()}\n`, { mode: 0o600, flag: "wx", flush: true });
  } catch (cause) {
    throw new Error(`${path}: a private key is missing there and cannot be made`, { cause });
  }
  return key;
}

/** Whether `readOrMakeKey` would take the file; one that is missing would be made. @throws naming the path */
export async function checkKeyFile(path: string): Promise<void> {
  const text = await read(path);
  if (text !== undefined) parse(text, path);
}

/** `undefined` when there is no such file. */
async function read(path: string): Promise<string | undefined> {
  try {
    return await readBoundedFile(path, maxKeyFileBytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    const why = code === "EACCES" ? ": give this user the right to read it, or name another file" : "";
    throw new Error(`${path}: cannot be read as a private key${why}`, { cause: error });
  }
}

function parse(text: string, path: string): PrivateKey {
  try {
    return PrivateKey.parse(text);
  } catch (cause) {
    throw new Error(
      `${path}: cannot be read as a private key: restore it from a backup, or move it away to have a new one made`,
      { cause },
    );
  }
}
