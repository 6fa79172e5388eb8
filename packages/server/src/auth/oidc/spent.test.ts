import { describe, expect, test } from "vitest";
import { Spent } from "./spent.ts";

describe("Spent", () => {
  test("lets a text through once, until it could not come back anyway", () => {
    const spent = new Spent(10);
    expect([spent.use("a", 100, 0), spent.use("a", 100, 99), spent.use("b", 100, 0)]).toEqual([true, false, true]);
    expect(spent.use("a", 200, 100)).toBe(true);
  });

  test("forgets the oldest when it is full, not the newest", () => {
    const spent = new Spent(2);
    for (const text of ["a", "b", "c"]) spent.use(text, 100, 0);
    expect([spent.use("c", 100, 0), spent.use("a", 100, 0)]).toEqual([false, true]);
  });
});
