import { fc, test as prop } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { DecodeError } from "./decode-error.ts";
import { formatGoTime, goZeroTime, parseGoTime } from "./go-time.ts";

describe("parseGoTime", () => {
  test.for([
    { says: "a second", text: "2026-01-02T03:04:05Z", ms: Date.UTC(2026, 0, 2, 3, 4, 5) },
    {
      says: "nanoseconds, cut to milliseconds",
      text: "2026-01-02T03:04:05.123456789Z",
      ms: Date.UTC(2026, 0, 2, 3, 4, 5, 123),
    },
    { says: "an offset east of Greenwich", text: "2026-01-02T03:04:05+05:30", ms: Date.UTC(2026, 0, 1, 21, 34, 5) },
    {
      says: "the moment of a logout, as clients write it in local time",
      text: "1970-01-01T01:02:03+01:00",
      ms: 123_000,
    },
    { says: "a leap day", text: "2024-02-29T00:00:00Z", ms: Date.UTC(2024, 1, 29) },
  ])("reads $says", ({ text, ms }) => {
    expect(parseGoTime(text, "Expiry")).toBe(ms);
  });

  test.for([
    { says: "Go's zero time", value: goZeroTime },
    { says: "the zero time in another offset", value: "0001-01-01T00:00:00+01:00" },
    { says: "null", value: null },
    { says: "nothing", value: undefined },
    { says: "an empty text", value: "" },
  ])("takes $says for none", ({ value }) => {
    expect(parseGoTime(value, "Expiry")).toBeUndefined();
  });

  test.for([
    { says: "a number", value: 1_700_000_000 },
    { says: "a number in quotes", value: "1" },
    { says: "a date alone", value: "2026-01-02" },
    { says: "no offset", value: "2026-01-02T03:04:05" },
    { says: "a day in words", value: "May 5 2026" },
    { says: "a blank for the T", value: "2026-01-02 03:04:05Z" },
    { says: "small letters", value: "2026-01-02t03:04:05z" },
    { says: "a thirteenth month", value: "2026-13-02T03:04:05Z" },
    { says: "the 31st of April", value: "2026-04-31T00:00:00Z" },
    { says: "the 29th of February of a common year", value: "2026-02-29T00:00:00Z" },
    { says: "hour 24", value: "2026-01-02T24:00:00Z" },
    { says: "a leap second", value: "2026-12-31T23:59:60Z" },
    { says: "ten digits of fraction", value: "2026-01-02T03:04:05.1234567890Z" },
    { says: "a year of five digits", value: "12026-01-02T03:04:05Z" },
    { says: "a signed year", value: "+012026-01-02T03:04:05Z" },
    { says: "an offset that leads into the year 10000", value: "9999-12-31T23:59:59-23:59" },
    { says: "a list", value: ["2026-01-02T03:04:05Z"] },
    { says: "an object", value: { year: 2026 } },
    { says: "more behind it", value: "2026-01-02T03:04:05Z\n" },
    { says: "a very long text", value: "2".repeat(100_000) },
  ])("refuses $says and names the field", ({ value }) => {
    try {
      expect(parseGoTime(value, "Expiry")).toBe("refused");
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
      expect(error).toMatchObject({ code: "bad-field", field: "Expiry", message: "field Expiry is malformed" });
    }
  });

  test("refuses a time cut off anywhere, but for none at all", () => {
    const text = "2026-01-02T03:04:05.12+01:00";
    for (let end = 1; end < text.length; end++) expect(() => parseGoTime(text.slice(0, end), "t")).toThrow(DecodeError);
  });

  prop.prop([fc.integer({ min: -62_000_000_000_000, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) })])(
    "reads back what formatGoTime wrote",
    (ms) => {
      expect(parseGoTime(formatGoTime(ms), "t")).toBe(ms);
    },
  );
});
