import { describe, expect, test } from "vitest";
import { MapPace } from "./map-pace.ts";

const never = new AbortController().signal;

describe("MapPace", () => {
  test("lets a machine's requests wait for their turn, a few of them", async () => {
    const pace = new MapPace({ burst: 2, perSecond: 50 });
    const turns = await Promise.all(Array.from({ length: 12 }, () => pace.turn("a", never)));
    expect(turns.filter(Boolean)).toHaveLength(10);
    expect(await pace.turn("a", never)).toBe(true);
  });

  test("keeps nobody else waiting", async () => {
    const pace = new MapPace({ burst: 1, perSecond: 0.001 });
    const gone = new AbortController();
    await pace.turn("a", never);
    const waiting = pace.turn("a", gone.signal);
    expect(await pace.turn("b", never)).toBe(true);
    gone.abort();
    expect(await waiting).toBe(false);
  });
});
