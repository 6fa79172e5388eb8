import { describe, expect, test } from "vitest";
import { Bell } from "./bell.ts";

const never = new AbortController().signal;

describe("Bell", () => {
  test("wakes whoever waits", async () => {
    const bell = new Bell();
    const rings = bell.rings(60_000, never);
    bell.ring();
    expect(await rings).toBe(true);
  });

  test("keeps rings that nobody waited for as one", async () => {
    const bell = new Bell();
    for (let i = 0; i < 3; i++) bell.ring();
    expect(await bell.rings(60_000, never)).toBe(true);
    expect(await bell.rings(0, never)).toBe(false);
  });

  test("says no when the time is over, or when it is told to stop", async () => {
    const bell = new Bell();
    expect(await bell.rings(1, never)).toBe(false);
    const stop = new AbortController();
    const rings = bell.rings(60_000, stop.signal);
    stop.abort();
    expect(await rings).toBe(false);
    expect(await bell.rings(60_000, AbortSignal.abort())).toBe(false);
  });
});
