import { describe, expect, test } from "vitest";
import { limitOf, pages } from "./pages.ts";

/** A listing of ten numbers in pages of at most four. */
const tenNumbers = async ({ pageSize, pageToken }: { pageSize: number; pageToken: string }) => {
  const start = Number(pageToken || 0);
  const end = Math.min(start + Math.min(pageSize, 4), 10);
  const items = Array.from({ length: end - start }, (_, index) => start + index);
  return { items, next: end === 10 ? "" : String(end) };
};

describe("pages", () => {
  test.for([1, 4, 5, 9, 10, 11, Number.POSITIVE_INFINITY])("gives at most %d items", async (limit) => {
    const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, limit);
    expect(await pages(limit, tenNumbers)).toEqual(expected);
  });

  test("ends with a server that repeats itself", async () => {
    expect(await pages(5, async () => ({ items: [], next: "same" }))).toEqual([]);
  });
});

test("a limit of 0 is no limit, and a word is none", () => {
  expect(limitOf({ limit: "0" })).toBe(Number.POSITIVE_INFINITY);
  expect(() => limitOf({ limit: "many" })).toThrow("--limit: not a number");
});
