import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

describe("TokenBucket", () => {
  test("gives a burst at once and then makes wait for what is missing", () => {
    const bucket = new TokenBucket(1_000, 500, 0);
    expect(bucket.reserve(500, 0)).toBe(0);
    expect(bucket.reserve(100, 0)).toBe(100);
    expect(bucket.reserve(100, 0)).toBe(200);
    expect(bucket.reserve(100, 1_000)).toBe(0);
  });

  test("never asks for more than it can ever hold", () => {
    expect(new TokenBucket(1_000, 500, 0).reserve(1e9, 0)).toBe(0);
  });

  test("takes one only if it is there", () => {
    const bucket = new TokenBucket(1, 2, 0);
    expect([0, 0, 0, 999, 1_000, 1_000, 9_000, 9_000, 9_000].map((now) => bucket.take(now))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  test("takes a clock that goes back for one that stands still", () => {
    const bucket = new TokenBucket(1, 1, 1_000);
    expect([bucket.take(1_000), bucket.take(0), bucket.take(500)]).toEqual([true, false, false]);
  });

  property.prop([
    fc.array(fc.record({ after: fc.nat({ max: 5_000 }), count: fc.nat({ max: 400 }) }), { maxLength: 60 }),
  ])("lets through no more than burst and rate allow, if who asks waits as told", (asks) => {
    const bucket = new TokenBucket(100, 300, 0);
    let now = 0;
    let taken = 0;
    for (const { after, count } of asks) {
      now += after;
      now += bucket.reserve(count, now);
      taken += Math.min(count, 300);
      expect(taken).toBeLessThanOrEqual(300 + now / 10 + 1e-6);
    }
  });
});
