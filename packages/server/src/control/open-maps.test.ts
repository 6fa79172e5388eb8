import { describe, expect, test } from "vitest";
import { OpenMaps } from "./open-maps.ts";

describe("OpenMaps", () => {
  test("the fifth open answer of a node cuts its oldest, and nobody else's", () => {
    const open = new OpenMaps();
    const cut: string[] = [];
    open.enter(2, () => cut.push("another node's"));
    for (let n = 1; n <= 6; n++) open.enter(1, () => cut.push(`answer ${n}`));
    expect(cut).toEqual(["answer 1", "answer 2"]);
  });

  test("answers that have ended do not count", () => {
    const open = new OpenMaps();
    const cut: number[] = [];
    for (let n = 1; n <= 20; n++) open.enter(1, () => cut.push(n))();
    expect(cut).toEqual([]);
  });
});
