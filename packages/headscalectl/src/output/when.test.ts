import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { absolute, isPast, relative, span } from "./when.ts";

const at = (ms: number) => timestampFromDate(new Date(ms));
const goZero = { ...at(0), seconds: -62135596800n };

test.for([
  [0, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [3_599_999, "59m"],
  [86_399_999, "23h"],
  [86_400_000 * 400, "400d"],
  [86_400_000 * 3650, "10y"],
] as const)("a span of %d ms is %s", ([ms, text]) => {
  expect(span(ms)).toBe(text);
});

describe("relative", () => {
  test("looks back and ahead", () => {
    expect(relative(at(1000), 4000)).toBe("3s ago");
    expect(relative(at(90_000_000), 0)).toBe("in 1d");
    expect([relative(at(1000), 1999), relative(at(1999), 1000)]).toEqual(["now", "now"]);
  });

  test("is empty for what is absent, or Go's zero", () => {
    expect([relative(undefined, 0), relative(goZero, 0), absolute(goZero), isPast(goZero, 0)]).toEqual([
      "",
      "",
      "",
      false,
    ]);
  });
});

test("absolute times are in UTC", () => {
  expect(absolute(at(Date.UTC(2026, 10, 25, 3, 33, 7, 900)))).toBe("2026-11-25 03:33:07");
});
