import { fc, test as property } from "@fast-check/vitest";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { plain, row, table } from "./table.ts";

const columns = [
  { head: "A", cell: ([a]: readonly string[]) => a ?? "" },
  { head: "BB", cell: ([, b]: readonly string[]) => b ?? "" },
  { head: "WIDE", cell: () => "w", wide: true },
];

describe("table", () => {
  test("aligns columns and ends lines without spaces", () => {
    expect(
      table(columns, [
        ["long", ""],
        ["x", "y"],
      ]),
    ).toBe("A      BB\nlong   -\nx      y");
  });

  test("shows wide columns only when asked", () => {
    expect(table(columns, [["x", "y"]], true)).toBe("A   BB   WIDE\nx   y    w");
  });

  test("counts what a terminal counts", () => {
    expect(
      table(columns, [
        ["日本", "y"],
        ["abcd", "y"],
      ]).split("\n")[1],
    ).toBe("日本   y");
  });

  property.prop([
    fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[a-z]{1,5}$/)), { minLength: 1 }),
  ])("starts the second column at the same place on every line, whatever names are", (rows) => {
    const lines = table(columns, rows).split("\n");
    expect(lines).toHaveLength(rows.length + 1);
    const starts = lines.map((line) => stringWidth(line.slice(0, line.length - (/\S+$/.exec(line)?.[0].length ?? 0))));
    expect(new Set(starts).size).toBe(1);
  });
});

describe("row", () => {
  test("keeps widths, which a longer cell pushes aside", () => {
    expect(
      row([
        ["ab", 4],
        ["", 2],
        ["c", 0],
      ]),
    ).toBe("ab     -    c");
    expect(
      row([
        ["abcdef", 4],
        ["c", 0],
      ]),
    ).toBe("abcdef   c");
  });
});

describe("plain", () => {
  test.for([
    ["\u001b[31mred\u001b[0m", "\ufffd[31mred\ufffd[0m"],
    ["a\r\nb\tc", "a\ufffd\ufffdb\ufffdc"],
    ["\u009b2J", "\ufffd2J"],
    ["abc\u202etxt", "abc\ufffdtxt"],
    ["tag:büro", "tag:büro"],
  ])("makes %j harmless", ([text, shown]) => {
    expect(plain(text ?? "")).toBe(shown);
  });
});
