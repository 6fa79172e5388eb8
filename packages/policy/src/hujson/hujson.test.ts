import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parseHujson, toJson } from "./hujson.ts";
import { HujsonError } from "./hujson-error.ts";

const limits = { maxDepth: 32 };
const read = (text: string) => toJson(parseHujson(text, limits));

describe("parseHujson", () => {
  test("reads comments and trailing commas wherever white space may stand", () => {
    const text = `// head
    /* block */ { /* a */ "a" /* b */ : // c
      [1, -2.5e3, "x\\u00e9\\n", true, false, null,], "b": {},
      "c": [ /* none */ ], // last
    } // tail`;
    expect(read(text)).toEqual({ a: [1, -2500, "xé\n", true, false, null], b: {}, c: [] });
  });

  test("knows where every value and name stands", () => {
    const root = parseHujson('{\n  "a": [true, "xy"]\n}', limits);
    const member = root.kind === "object" ? root.members[0] : undefined;
    expect(member?.nameStart).toBe(4);
    expect(member?.value).toMatchObject({ start: 9, end: 21 });
    expect(member?.value.kind === "array" ? member.value.items[1] : undefined).toMatchObject({ start: 16, end: 20 });
  });

  property.prop([fc.jsonValue({ maxDepth: 6 })])("reads all of JSON as JSON.parse does", (value) => {
    const text = JSON.stringify(value, null, 2);
    expect(read(text)).toEqual(JSON.parse(text));
  });

  test.for([
    ["", 0],
    ["{", 1],
    ['{"a"', 4],
    ['{"a":', 5],
    ['{"a":1', 6],
    ['{"a":1,', 7],
    ['{"a":1,,}', 7],
    ["[1 2]", 3],
    ["[,]", 1],
    ["{a:1}", 1],
    ["{'a':1}", 1],
    ['{"a":1}x', 7],
    ['{"a":1,"a":2}', 7],
    ["[01]", 2],
    ["[.5]", 1],
    ["[+1]", 1],
    ["[NaN]", 1],
    ["[tru]", 1],
    ['["abc', 1],
    ['["a\nb"]', 1],
    ['["a\tb"]', 1],
    ['["\\x"]', 1],
    ['["\\u12"]', 1],
    ["[1] /* open", 4],
    ["[1 / 2]", 3],
    ["/* /* */ */ []", 9],
    ["\u00a0[]", 0],
  ] as const)("refuses %j at %d", ([text, index]) => {
    expect(() => parseHujson(text, limits)).toThrow(expect.objectContaining({ name: "HujsonError", index }));
  });

  test("refuses every beginning of a document that is cut short", () => {
    const whole = '{"a": [1, {"b": "c\\n"}], /* x */ "d": null}';
    for (let end = 0; end < whole.length; end += 1)
      expect(() => parseHujson(whole.slice(0, end), limits)).toThrow(HujsonError);
  });

  test("refuses deep nesting before it costs", () => {
    expect(() => parseHujson("[".repeat(100_000), limits)).toThrow("nested deeper than 32 levels");
    expect(read(`${"[".repeat(32)}${"]".repeat(32)}`)).toBeDefined();
  });

  test("reads a text of a million characters", () => {
    expect(read(JSON.stringify(["x".repeat(1_000_000)]))).toEqual(["x".repeat(1_000_000)]);
  });

  test("keeps names that are special to JavaScript", () => {
    expect(Object.keys(read('{"__proto__": 1, "constructor": 2}') as object)).toEqual(["__proto__", "constructor"]);
  });
});
