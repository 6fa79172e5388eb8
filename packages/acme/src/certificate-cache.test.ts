import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderCache } from "./certificate-cache.ts";

describe("folderCache", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "acme-cache-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("gives back what was put, the last one", async () => {
    const cache = folderCache(join(folder, "made", "when", "missing"));
    expect(await cache.get("account/0a")).toBeUndefined();
    await cache.put("account/0a", "one");
    await cache.put("account/0a", "two");
    await cache.put("certificate/0a", "three");
    expect(await cache.get("account/0a")).toBe("two");
    await cache.delete("account/0a");
    await cache.delete("account/0a");
    expect(await cache.get("account/0a")).toBeUndefined();
    expect(await cache.get("certificate/0a")).toBe("three");
  });

  test("keeps files and folder to its owner and leaves nothing half-written", async () => {
    const inner = join(folder, "inner");
    await folderCache(inner).put("account/0a", "secret");
    expect((await stat(inner)).mode & 0o777).toBe(0o700);
    expect(await readdir(inner)).toEqual(["account-0a.json"]);
    expect((await stat(join(inner, "account-0a.json"))).mode & 0o777).toBe(0o600);
  });

  test("says so when the folder cannot be read", async () => {
    await expect(folderCache("/dev/null").get("account/0a")).rejects.toThrow("ENOTDIR");
  });
});
