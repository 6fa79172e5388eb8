import { describe, expect, test } from "vitest";
import { momentOf } from "./moment.ts";

const noon = Date.parse("2024-05-01T12:00:00Z");

describe("momentOf", () => {
  test.for([
    { says: "GORM's text", value: "2024-05-01 14:00:00.123456789+02:00", is: noon + 123 },
    { says: "text west of Greenwich", value: "2024-05-01 04:30:00-07:30", is: noon },
    { says: "a zone without minutes", value: "2024-05-01 14:00:00+02", is: noon },
    { says: "RFC 3339", value: "2024-05-01T12:00:00Z", is: noon },
    { says: "text without a zone, which SQLite means as UTC", value: "2024-05-01 12:00:00", is: noon },
    { says: "Go's own form", value: "2024-05-01 14:00:00.5 +0200 CEST m=+0.1", is: noon + 500 },
    { says: "a driver's Date", value: new Date(noon), is: noon },
    { says: "seconds", value: noon / 1000, is: noon },
    { says: "Go's zero time as none", value: "0001-01-01 00:00:00+00:00", is: undefined },
    { says: "the zero time of a zone with seconds as none", value: "0001-01-01 00:00:00Z", is: undefined },
  ])("reads $says", ({ value, is }) => {
    expect(momentOf(value)).toBe(is);
  });

  test.for([
    "",
    "never",
    "2024-05-01",
    "2024-13-01 00:00:00",
    "2024-05-01 12:00",
    "99999999999-01-01 00:00:00",
    Number.NaN,
  ])("refuses %j", (value) => {
    expect(() => momentOf(value)).toThrow(TypeError);
  });
});
