import type { HistoryLimits } from "@headscale/store";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HistoryKeeper } from "./history-keeper.ts";

const hour = 3_600_000;
beforeEach(() => void vi.useFakeTimers({ now: 100 * hour }));
afterEach(() => void vi.useRealTimers());

/** A history that takes so many steps to forget. */
function lab(limits: { retentionMs?: number; maxEntries?: number }, steps = 1) {
  const asked: HistoryLimits[] = [];
  const errors: string[] = [];
  const outage = { now: false };
  const store = {
    async forgetHistory(wanted: HistoryLimits) {
      asked.push(wanted);
      if (outage.now) throw new Error("no database");
      return asked.length < steps;
    },
  };
  const { retentionMs, maxEntries } = limits;
  const keeper = new HistoryKeeper({ store, retentionMs, maxEntries, onError: (what) => errors.push(what) });
  return { asked, errors, keeper, outage };
}

describe("HistoryKeeper", () => {
  test("forgets what is past the age or the number, soon after the start and every hour", async () => {
    const { asked, keeper } = lab({ retentionMs: 24 * hour, maxEntries: 500 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toEqual([{ before: 76 * hour + 250, keep: 500 }]);
    await vi.advanceTimersByTimeAsync(hour);
    expect(asked[1]).toEqual({ before: 77 * hour + 250, keep: 500 });
    await keeper[Symbol.asyncDispose]();
  });

  test("goes on soon while there is more, with a pause between steps", async () => {
    const { asked, keeper } = lab({ maxEntries: 500 }, 4);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(hour / 2);
    expect(asked).toEqual(Array.from({ length: 4 }, () => ({ before: undefined, keep: 500 })));
    await keeper[Symbol.asyncDispose]();
  });

  test("keeps everything when there is no limit", async () => {
    const { asked, keeper } = lab({});
    await vi.advanceTimersByTimeAsync(10 * hour);
    expect(asked).toEqual([]);
    await keeper[Symbol.asyncDispose]();
  });

  test("outlives a database that is away, and stops when it is told to", async () => {
    const { asked, errors, keeper, outage } = lab({ maxEntries: 500 });
    outage.now = true;
    await vi.advanceTimersByTimeAsync(hour);
    outage.now = false;
    expect(errors).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(hour);
    expect(asked).toHaveLength(2);
    await keeper[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(10 * hour);
    expect(asked).toHaveLength(2);
  });
});
