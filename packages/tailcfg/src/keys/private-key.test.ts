import { inspect } from "node:util";
import { fc, test as prop } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { KeyFormatError, PrivateKey } from "./keys.ts";

const bytes = new Uint8Array(32).fill(0xab);
const text = new PrivateKey(bytes).toFileText();
const secret = /ab{3,}|171,\s*171|q6ur/i;

describe("PrivateKey", () => {
  test.for([
    { says: "in a template", show: (key: PrivateKey) => `${key}` },
    { says: "joined to a text", show: (key: PrivateKey) => String(key) },
    { says: "as JSON", show: (key: PrivateKey) => JSON.stringify({ key }) },
    { says: "in console.log", show: (key: PrivateKey) => inspect(key) },
    {
      says: "inside another object",
      show: (key: PrivateKey) => inspect({ deep: [key] }, { depth: 9, showHidden: true }),
    },
    {
      says: "by its properties",
      show: (key: PrivateKey) => JSON.stringify([Object.entries(key), Reflect.ownKeys(key)]),
    },
    { says: "spread into an object", show: (key: PrivateKey) => JSON.stringify({ ...key }) },
  ])("never shows itself $says", ({ show }) => {
    expect(show(new PrivateKey(bytes))).not.toMatch(secret);
  });

  test("is clamped as Curve25519 keys are, and leaves the caller's bytes alone", () => {
    const given = new Uint8Array(32).fill(0xff);
    const kept = new PrivateKey(given).reveal();
    expect([kept[0], kept[31]]).toEqual([0xf8, 0x7f]);
    expect(given[0]).toBe(0xff);
  });

  test("gives copies of its bytes away, not itself", () => {
    const key = new PrivateKey(bytes);
    key.reveal().fill(0);
    expect(key.toFileText()).toBe(text);
  });

  prop.prop([fc.uint8Array({ minLength: 32, maxLength: 32 })])("is read from a file as it was written", (any) => {
    const key = new PrivateKey(any);
    expect(PrivateKey.parse(`${key.toFileText()}\n`).reveal()).toEqual(key.reveal());
  });

  test("in upper case is the same key", () => {
    expect(PrivateKey.parse(`privkey:${"AB".repeat(32)}`).toFileText()).toBe(text);
  });

  test.for([
    { says: "an empty file", wrong: "", code: "bad-prefix" },
    { says: "a file that ends too early", wrong: text.slice(0, 40), code: "bad-length" },
    { says: "a file with more behind the key", wrong: `${text}\n${text}`, code: "bad-length" },
    { says: "a public key", wrong: text.replace("privkey", "mkey"), code: "bad-prefix" },
    { says: "bare digits", wrong: "ab".repeat(32), code: "bad-prefix" },
    { says: "something that is no number", wrong: `privkey:${"xy".repeat(32)}`, code: "bad-hex" },
  ])("refuses $says and keeps it to itself", ({ wrong, code }) => {
    const refused = () => PrivateKey.parse(wrong);
    expect(refused).toThrow(KeyFormatError);
    try {
      refused();
    } catch (error) {
      expect((error as KeyFormatError).code).toBe(code);
      expect(inspect(error).split("\n")[0]).not.toMatch(secret);
    }
  });

  test.for([0, 31, 33])("is not made of %d bytes", (length) => {
    expect(() => new PrivateKey(new Uint8Array(length))).toThrow(KeyFormatError);
  });
});
