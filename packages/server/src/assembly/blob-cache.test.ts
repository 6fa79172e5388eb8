import { openSqliteStore } from "@headscale/store";
import { describe, expect, test } from "vitest";
import { blobCache } from "./blob-cache.ts";

describe("blobCache", () => {
  test("keeps a value under its key until it is deleted", async () => {
    await using store = await openSqliteStore({ path: ":memory:" });
    const cache = blobCache(store);
    expect(await cache.get("certificate/3f9a")).toBeUndefined();
    await cache.put("certificate/3f9a", "-----BEGIN…");
    expect(await blobCache(store).get("certificate/3f9a")).toBe("-----BEGIN…");
    await cache.delete("certificate/3f9a");
    expect(await cache.get("certificate/3f9a")).toBeUndefined();
  });

  test("exchanges a value only for whoever knows the one before", async () => {
    await using store = await openSqliteStore({ path: ":memory:" });
    const cache = blobCache(store);
    expect(await cache.exchange?.("lease/1", undefined, "a")).toBe("a");
    expect(await cache.exchange?.("lease/1", undefined, "b")).toBe("a");
    expect(await cache.exchange?.("lease/1", "b", "c")).toBe("a");
    expect(await cache.exchange?.("lease/1", "a", "c")).toBe("c");
  });
});
