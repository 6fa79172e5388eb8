import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { closest, distance } from "./spelling.ts";

describe("closest", () => {
  const commands = ["list", "show", "ls", "expire", "approve-routes"];
  test.for([
    { written: "lsit", meant: "list" },
    { written: "exprie", meant: "expire" },
    { written: "aprove-route", meant: "approve-routes" },
    { written: "l", meant: undefined },
    { written: "frobnicate", meant: undefined },
    { written: "", meant: undefined },
  ])("takes $written for $meant", ({ written, meant }) => {
    expect(closest(written, commands)).toBe(meant);
  });
});

describe("distance", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
  property.prop([word, word])("is the same both ways, and nothing only between equals", (a, b) => {
    expect(distance(a, b)).toBe(distance(b, a));
    expect(distance(a, b) === 0).toBe(a === b);
  });

  property.prop([word, word])("counts no more than writing all anew", (a, b) => {
    expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
  });
});
