import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { fromNow, parseDuration } from "./duration.ts";

const unitMs = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

describe("parseDuration", () => {
  test.for([
    ["90d", 90 * 86_400_000],
    ["1h30m", 5_400_000],
    ["24h", 86_400_000],
    ["500ms", 500],
    ["1m500ms", 60_500],
    ["0", 0],
    ["0s", 0],
  ] as const)("takes %s", ([text, ms]) => {
    expect(parseDuration(text, "--x")).toBe(ms);
  });

  test.for([
    "",
    " ",
    "5",
    "1.5h",
    "-1h",
    "1h1d",
    "1h 30m",
    "h",
    "1month",
    "1H",
    `${"9".repeat(20)}s`,
    "999999999999y",
    "1h\n",
  ])("refuses %j, naming the flag", (text) => {
    expect(() => parseDuration(text, "--expiration")).toThrow("--expiration: not a duration");
  });

  property.prop([fc.tuple(...Object.keys(unitMs).map(() => fc.option(fc.nat(999), { nil: undefined })))])(
    "adds its parts up",
    (amounts) => {
      const parts = Object.entries(unitMs).flatMap(([unit, ms], index) => {
        const amount = amounts[index];
        return amount === undefined ? [] : [{ text: `${amount}${unit}`, ms: amount * ms }];
      });
      fc.pre(parts.length > 0);
      const sum = parts.reduce((total, { ms }) => total + ms, 0);
      expect(parseDuration(parts.map(({ text }) => text).join(""), "--x")).toBe(sum);
    },
  );
});

describe("fromNow", () => {
  test("is an instant", () => {
    expect(fromNow("1d", "--x", 0).toISOString()).toBe("1970-01-02T00:00:00.000Z");
  });
  test("refuses what is behind the year 9999", () => {
    expect(() => fromNow("9000y", "--x", Date.UTC(2026, 0))).toThrow("--x: too far away");
  });
});
