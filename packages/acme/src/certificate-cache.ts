import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Where accounts, certificates and open challenges outlive one process: a folder here, a table where several daemons
 * share them. Keys look like `certificate/3f9a…`: a word, a slash, hexadecimal digits. Values hold private keys.
 */
export interface CertificateCache {
  get(key: string): Promise<string | undefined>;
  /** Durable and whole once resolved: a reader sees the old value or the new one. */
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * Writes `value` if the key holds `expected` still (`undefined`: nothing), and returns what it holds then. Only a cache
   * that several daemons share needs it: then one of them orders at a time.
   */
  exchange?(key: string, expected: string | undefined, value: string): Promise<string | undefined>;
}

/** One file for each key in `folder`, which is made when missing; readable by its owner alone. */
export function folderCache(folder: string): CertificateCache {
  const fileOf = (key: string) => join(folder, `${key.replace("/", "-")}.json`);
  return {
    async get(key) {
      try {
        return await readFile(fileOf(key), "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    async put(key, value) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const unfinished = `${fileOf(key)}.${randomUUID()}`;
      await writeDurably(unfinished, value);
      await rename(unfinished, fileOf(key));
    },
    delete: (key) => rm(fileOf(key), { force: true }),
  };
}

async function writeDurably(path: string, value: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(value);
  await file.sync();
}
