import { describe, expect, test } from "vitest";
import { OrderLease } from "./order-lease.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { MemoryCache } from "./testing/memory-cache.ts";

function lab() {
  const cache = new MemoryCache();
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const daemon = (name: string) => new OrderLease(cache, "lease/1", clock, name);
  return { cache, clock, daemon };
}

describe("OrderLease", () => {
  test("is one daemon's, until it gives it up", async () => {
    const { daemon } = lab();
    const [a, b] = [daemon("a"), daemon("b")];
    expect(await Promise.all([a.take(1000), b.take(1000)])).toEqual([true, false]);
    expect(await a.take(1000)).toBe(true);
    await b.release();
    expect(await b.take(1000)).toBe(false);
    await a.release();
    expect(await b.take(1000)).toBe(true);
    expect(await a.take(1000)).toBe(false);
  });

  test("ends by itself, for whoever is first to see it", async () => {
    const { daemon, clock } = lab();
    expect(await daemon("dead").take(1000)).toBe(true);
    clock.skip(999);
    expect(await daemon("b").take(1000)).toBe(false);
    clock.skip(1);
    const [b, c] = [daemon("b"), daemon("c")];
    expect(await Promise.all([b.take(1000), c.take(1000)])).toEqual([true, false]);
  });

  test("keeps everybody away until its end when an attempt has failed", async () => {
    const { daemon, clock } = lab();
    const a = daemon("a");
    await a.take(1000);
    await a.release(clock.now() + 60_000);
    clock.skip(59_999);
    expect(await daemon("b").take(1000)).toBe(false);
    clock.skip(1);
    expect(await daemon("b").take(1000)).toBe(true);
  });

  test("is everybody's where the cache is one daemon's own", async () => {
    const { cache, clock } = lab();
    const { get, put, delete: remove } = cache;
    const own = { get, put, delete: remove };
    for (const name of ["a", "b"]) expect(await new OrderLease(own, "lease/1", clock, name).take(1000)).toBe(true);
    expect(cache.held.size).toBe(0);
  });

  test.for(["", "{}", "[1]", '{"holder":1,"until":"x"}', "null"])("is anybody's when it reads %j", async (text) => {
    const { cache, daemon } = lab();
    await cache.put("lease/1", text);
    expect(await daemon("a").take(1000)).toBe(true);
    expect(await daemon("b").take(1000)).toBe(false);
  });
});
