import { describe, expect, test } from "vitest";
import { TokenBuckets } from "./token-buckets.ts";

describe("TokenBuckets", () => {
  const lab = (burst: number, perSecond: number) => {
    const clock = { now: 0 };
    const buckets = new TokenBuckets({ burst, perSecond }, () => clock.now);
    const taken = (key: string, times: number) =>
      Array.from({ length: times }, () => buckets.take(key)).filter(Boolean);
    return { clock, buckets, taken };
  };

  test("give so much at once, and then so much a second", () => {
    const { clock, taken } = lab(3, 2);
    expect(taken("a", 5)).toHaveLength(3);
    clock.now += 500;
    expect(taken("a", 5)).toHaveLength(1);
    clock.now += 60_000;
    expect(taken("a", 5)).toHaveLength(3);
  });

  test("take nothing from others", () => {
    const { taken } = lab(1, 1);
    taken("a", 9);
    expect(taken("b", 1)).toHaveLength(1);
  });

  test("say how long the next token takes", () => {
    const { clock, buckets } = lab(1, 4);
    expect(buckets.waitMs("a")).toBe(0);
    buckets.take("a");
    expect(buckets.waitMs("a")).toBe(250);
    clock.now += 250;
    expect(buckets.waitMs("a")).toBe(0);
  });

  test("remember no more keys than they may, and forget whoever asked longest ago", () => {
    const { buckets, taken } = lab(1, 0.001);
    taken("first", 1);
    for (let n = 0; n < 9_999; n++) buckets.take(`key-${n}`);
    expect(taken("first", 1)).toHaveLength(0);
    for (let n = 0; n < 10_001; n++) buckets.take(`other-${n}`);
    expect(taken("first", 1)).toHaveLength(1);
  });
});
