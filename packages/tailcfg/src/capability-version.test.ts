import { describe, expect, test } from "vitest";
import { releaseOf } from "./capability-version.ts";

describe("releaseOf", () => {
  test.for([
    [113, "1.80"],
    [114, "1.80"],
    [115, "1.82"],
    [125, "1.88"],
    [137, "1.96"],
    [138, "1.98"],
    [9999, "1.102"],
    [112, "before 1.80"],
    [0, "before 1.80"],
  ] as const)("version %d came with %s", ([version, release]) => {
    expect(releaseOf(version)).toBe(release);
  });
});
