import { describe, expect, test } from "vitest";
import { NodeKey } from "#keys/keys.ts";
import { DecodeError } from "./decode-error.ts";
import { GoObject, parseJson } from "./go-json.ts";

const read = (json: string) => new GoObject(parseJson(json));
const refusal = (run: () => unknown): { code: string; field: string } | "accepted" => {
  try {
    run();
  } catch (error) {
    if (error instanceof DecodeError) return { code: error.code, field: error.field };
    throw error;
  }
  return "accepted";
};

describe("GoObject", () => {
  test.for(["Version", "version", "VERSION", "vErSiOn"])("finds a field written %s", (name) => {
    expect(read(`{"${name}": 7}`).count("Version", 9)).toBe(7);
  });

  test("of a field written twice takes the last, as Go does", () => {
    expect(read(`{"Version": 1, "version": 2}`).count("Version", 9)).toBe(2);
    expect(read(`{"Version": 1, "Version": 2}`).count("Version", 9)).toBe(2);
  });

  test("takes null for zero, whatever the field", () => {
    const none = read(`{"A": null}`);
    expect([none.string("A"), none.count("A", 9), none.float("A"), none.optionalBoolean("A")]).toEqual(
      new Array(4).fill(undefined),
    );
    expect([none.boolean("A"), none.object("A"), none.strings("A", 9), none.nodeKey("A"), none.discoKey("A")]).toEqual([
      false,
      undefined,
      undefined,
      NodeKey.zero,
      undefined,
    ]);
  });

  test("ignores fields that nobody asks for, whatever is in them", () => {
    expect(
      read(`{"X": {"deep": [1]}, "Version": 7, "__proto__": {"Version": 9}, "constructor": 1}`).count("Version", 9),
    ).toBe(7);
  });

  test("has no fields that every object has", () => {
    const empty = read("{}");
    for (const name of ["__proto__", "constructor", "toString"]) expect(empty.get(name)).toBeUndefined();
  });

  test("takes the zero key for none", () => {
    const zero = (prefix: string) => read(`{"K": "${prefix}:${"0".repeat(64)}"}`);
    expect(zero("discokey").discoKey("K")).toBeUndefined();
    expect(zero("nlpub").nlKey("K")).toBeUndefined();
    expect(zero("nodekey").nodeKey("K")).toBe(NodeKey.zero);
  });

  test.for([
    { says: "a text for a number", json: `{"F": "7"}`, ask: (o: GoObject) => o.count("F", 9) },
    { says: "a fraction for a whole number", json: `{"F": 7.5}`, ask: (o: GoObject) => o.count("F", 9) },
    { says: "a number below zero", json: `{"F": -1}`, ask: (o: GoObject) => o.count("F", 9) },
    { says: "a number above the most", json: `{"F": 10}`, ask: (o: GoObject) => o.count("F", 9) },
    { says: "a number beyond counting", json: `{"F": 9007199254740993}`, ask: (o: GoObject) => o.count("F", 2 ** 60) },
    { says: "a number without end", json: `{"F": 1e999}`, ask: (o: GoObject) => o.float("F") },
    { says: "a number for a text", json: `{"F": 7}`, ask: (o: GoObject) => o.string("F") },
    { says: "a text for a truth", json: `{"F": "true"}`, ask: (o: GoObject) => o.boolean("F") },
    { says: "1 for a truth", json: `{"F": 1}`, ask: (o: GoObject) => o.optionalBoolean("F") },
    { says: "an object for a list", json: `{"F": {"0": "x"}}`, ask: (o: GoObject) => o.strings("F", 9) },
    { says: "a list with another kind inside", json: `{"F": ["x", 1]}`, ask: (o: GoObject) => o.strings("F", 9) },
    { says: "a list with null inside", json: `{"F": [null]}`, ask: (o: GoObject) => o.strings("F", 9) },
    { says: "a key of another kind", json: `{"F": "mkey:${"1".repeat(64)}"}`, ask: (o: GoObject) => o.nodeKey("F") },
    { says: "half a key", json: `{"F": "nodekey:${"1".repeat(32)}"}`, ask: (o: GoObject) => o.nodeKey("F") },
  ])("refuses $says and names the field", ({ json, ask }) => {
    expect(refusal(() => ask(read(json)))).toEqual({ code: "bad-field", field: "F" });
  });

  test.for([`[]`, `null`, `7`, `"x"`, `true`])("does not take %s for an object", (json) => {
    expect(refusal(() => read(json))).toEqual({ code: "not-an-object", field: "body" });
    if (json !== "null")
      expect(refusal(() => read(`{"F": ${json}}`).object("F"))).toEqual({ code: "not-an-object", field: "F" });
  });

  test("says that a list is too long rather than to read it", () => {
    expect(refusal(() => read(`{"F": ["a","b","c"]}`).strings("F", 2))).toEqual({ code: "too-long", field: "F" });
  });

  test("never repeats what is wrong", () => {
    try {
      read(`{"NodeKey": "hskey-auth-secret"}`).nodeKey("NodeKey");
    } catch (error) {
      expect(String(error)).not.toContain("secret");
      expect(String((error as Error).cause)).not.toContain("secret");
    }
  });
});

describe("parseJson", () => {
  test.for(["", "{", `{"a":}`, `{"a":1}x`, "\u0000", "undefined", `{'a':1}`])("refuses %j", (text) => {
    expect(refusal(() => parseJson(text))).toEqual({ code: "not-json", field: "body" });
  });

  test("refuses a body cut off anywhere", () => {
    const text = `{"a": [1, "x\\"y", {"b": null}]}`;
    for (let end = 0; end < text.length; end++)
      expect(refusal(() => parseJson(text.slice(0, end)))).not.toBe("accepted");
  });

  test("takes what clients nest", () => {
    const text = `${"[".repeat(64)}${"]".repeat(64)}`;
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test.for([
    { says: "lists", text: "[".repeat(500_000) },
    { says: "objects", text: `{"a":`.repeat(100_000) },
    { says: "lists that end properly", text: "[".repeat(100_000) + "]".repeat(100_000) },
    {
      says: "lists behind a text with brackets and quotes in it",
      text: `["]]]\\"]]]\\\\",${"[".repeat(64)}${"]".repeat(64)}]`,
    },
  ])("refuses $says nested without end, before they cost anything", ({ text }) => {
    expect(refusal(() => parseJson(text))).toEqual({ code: "too-deep", field: "body" });
  });

  test("does not count brackets inside texts", () => {
    const text = JSON.stringify({ a: "[".repeat(1000), b: `\\"{{{[`, ["[".repeat(100)]: 1 });
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });
});
