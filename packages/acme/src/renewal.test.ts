import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { nextRenewal, retryBounds, retryDelay } from "./renewal.ts";

const day = 86_400_000;
const ninety = { notBefore: 0, notAfter: 90 * day };
const six = { notBefore: 0, notAfter: 6 * day };

describe("nextRenewal", () => {
  test.for([
    { says: "a 90-day certificate on day 60", of: ninety, fraction: 0, at: 60 * day },
    { says: "at the latest three days later by chance", of: ninety, fraction: 1, at: 63 * day },
    { says: "a six-day certificate on day 3", of: six, fraction: 0, at: 3 * day },
    { says: "in the middle of the authority's window", of: ninety, window: [30, 40], fraction: 0.5, at: 35 * day },
    {
      says: "at once when the window has passed (a mass revocation)",
      of: ninety,
      window: [5, 6],
      now: 20,
      fraction: 0.5,
      at: 20 * day,
    },
    {
      says: "at nine tenths when the window is later than that",
      of: ninety,
      window: [95, 99],
      fraction: 0,
      at: 81 * day,
    },
    { says: "not on the first day, whatever the window", of: ninety, window: [-9, -8], fraction: 0, at: day },
    { says: "an expired certificate at once", of: ninety, now: 100, fraction: 0, at: 100 * day },
  ])("renews $says", ({ of, window, now = 0, fraction, at }) => {
    const asked = window && { start: (window[0] ?? 0) * day, end: (window[1] ?? 0) * day };
    expect(nextRenewal(now * day, of, asked, fraction)).toBe(at);
  });

  property.prop([
    fc.nat(),
    fc.integer({ min: 1, max: 400 }),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    fc.nat(),
    fc.nat(),
  ])("never asks for the past, nor waits for the last tenth of the lifetime", (now, days, fraction, start, length) => {
    const validity = { notBefore: 0, notAfter: days * day };
    for (const window of [undefined, { start, end: start + length }]) {
      const at = nextRenewal(now, validity, window, fraction);
      expect(at).toBeGreaterThanOrEqual(now);
      expect(at).toBeLessThanOrEqual(Math.max(now, days * day * 0.9));
    }
  });
});

describe("retryDelay", () => {
  const minute = 60_000;
  test.for([
    { says: "a minute after the first failure", failures: 1, kind: "refused", expected: minute },
    { says: "twice as long after the second", failures: 2, kind: "refused", expected: 2 * minute },
    { says: "six hours after many refusals", failures: 1_000, kind: "refused", expected: retryBounds.refused },
    {
      says: "ten minutes while nobody answers",
      failures: 1_000,
      kind: "unreachable",
      expected: retryBounds.unreachable,
    },
    { says: "as long as the authority asks", failures: 1, kind: "refused", asked: 3_600_000, expected: 3_600_000 },
    { says: "a day when it asks for a year", failures: 1, kind: "refused", asked: 365 * day, expected: day },
  ] as const)("waits $says", ({ failures, kind, expected, ...row }) => {
    expect(retryDelay(failures, kind, 0.5, "asked" in row ? row.asked : undefined)).toBe(expected);
  });

  property.prop([fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 0.999, noNaN: true })])(
    "strays by a quarter at most",
    (failures, fraction) => {
      const middle = retryDelay(failures, "refused", 0.5, undefined);
      expect(Math.abs(retryDelay(failures, "refused", fraction, undefined) / middle - 1)).toBeLessThanOrEqual(0.25);
    },
  );
});
