import { fc, test as prop } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  ChallengeKey,
  DiscoKey,
  KeyFormatError,
  MachineKey,
  NLKey,
  NodeKey,
  publicKeyBytes,
  shortKey,
} from "./keys.ts";

const kinds = [
  { prefix: "mkey", kind: MachineKey },
  { prefix: "nodekey", kind: NodeKey },
  { prefix: "discokey", kind: DiscoKey },
  { prefix: "nlpub", kind: NLKey },
  { prefix: "chalpub", kind: ChallengeKey },
] as const;
const digits = "0123456789abcdef".repeat(4);

const failure = (run: () => unknown): KeyFormatError => {
  try {
    run();
  } catch (error) {
    if (error instanceof KeyFormatError) return error;
    throw error;
  }
  throw new Error("was accepted");
};

describe.for(kinds)("a $prefix key", ({ prefix, kind }) => {
  test("is read as it is written", () => {
    expect(kind.parse(`${prefix}:${digits}`)).toBe(`${prefix}:${digits}`);
  });

  test("in upper case is the same key, so that it finds its place in an index", () => {
    expect(kind.parse(`${prefix}:${digits.toUpperCase()}`)).toBe(`${prefix}:${digits}`);
  });

  test.for([
    { says: "nothing", text: "", code: "bad-prefix" },
    { says: "the prefix alone", text: `${prefix}:`, code: "bad-length" },
    { says: "one digit too few", text: `${prefix}:${digits.slice(1)}`, code: "bad-length" },
    { says: "one digit too many", text: `${prefix}:${digits}0`, code: "bad-length" },
    { says: "a line break behind it", text: `${prefix}:${digits}\n`, code: "bad-length" },
    { says: "a line break in place of a digit", text: `${prefix}:${digits.slice(1)}\n`, code: "bad-hex" },
    { says: "a letter that is no digit", text: `${prefix}:${digits.slice(1)}g`, code: "bad-hex" },
    { says: "digits of another script", text: `${prefix}:${"٣".repeat(64)}`, code: "bad-hex" },
    { says: "an upper-case prefix", text: `${prefix.toUpperCase()}:${digits}`, code: "bad-prefix" },
    { says: "a blank before it", text: ` ${prefix}:${digits}`, code: "bad-prefix" },
    { says: "no prefix", text: digits, code: "bad-prefix" },
    { says: "a private key", text: `privkey:${digits}`, code: "bad-prefix" },
  ])("refuses $says, without repeating it", ({ text, code }) => {
    const error = failure(() => kind.parse(text));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(digits.slice(1, 20));
    expect(error.message).toContain(prefix);
  });

  test("refuses the text of every other kind", () => {
    for (const other of kinds) {
      if (other.prefix !== prefix)
        expect(failure(() => kind.parse(`${other.prefix}:${digits}`)).code).toBe("bad-prefix");
    }
  });

  test("cut off anywhere is refused", () => {
    const text = `${prefix}:${digits}`;
    for (let end = 0; end < text.length; end++) expect(failure(() => kind.parse(text.slice(0, end)))).toBeDefined();
  });

  test.for([0, 31, 33, 65])("is not made of %d bytes", (length) => {
    expect(failure(() => kind.fromBytes(new Uint8Array(length))).code).toBe("bad-length");
  });

  test("knows the zero key, which Go writes for none", () => {
    expect(kind.zero).toBe(`${prefix}:${"0".repeat(64)}`);
    expect(kind.isZero(kind.fromBytes(new Uint8Array(32)) as never)).toBe(true);
    expect(kind.isZero(kind.parse(`${prefix}:${digits}`) as never)).toBe(false);
  });

  prop.prop([fc.uint8Array({ minLength: 32, maxLength: 32 })])("turns into bytes and back", (bytes) => {
    // A view into a larger buffer, as keys cut out of a packet are.
    const packet = new Uint8Array(40);
    packet.set(bytes, 5);
    const key = kind.fromBytes(packet.subarray(5, 37));
    expect(publicKeyBytes(key)).toEqual(bytes);
    expect(kind.parse(key)).toBe(key);
  });
});

test("a key is shortened in logs to the first five characters of its base64, as Tailscale does", () => {
  expect(shortKey(NodeKey.fromBytes(new Uint8Array(32).fill(0xff)))).toBe("[/////]");
  expect(shortKey(MachineKey.zero)).toBe("[AAAAA]");
});
