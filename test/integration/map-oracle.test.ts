import { fc, test } from "@fast-check/vitest";
import { describe } from "vitest";
import { Scene, type Step, step } from "../support/map-scene.ts";

describe("map sessions", () => {
  test.prop([fc.array(step, { minLength: 5, maxLength: 60 })], { numRuns: 150 })(
    "tell every reader, however slow, exactly what the oracle would",
    async (steps) => {
      const scene = await Scene.open();
      await using _live = scene.live;
      for (let i = 0; i < 3; i++) await scene.take({ kind: "join", user: i } as Step);
      await scene.take({ kind: "watch", node: 0 } as Step);
      for (const step of steps) await scene.take(step as Step);
      await scene.readAll();
      await scene.readAll();
      for (const viewer of scene.viewers.values()) await viewer.close();
    },
    90_000,
  );
});
