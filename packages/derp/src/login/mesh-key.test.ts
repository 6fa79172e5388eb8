import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { MeshKey } from "./mesh-key.ts";

const DIGITS = "0123456789abcdef".repeat(4);

describe("MeshKey", () => {
  test("is 64 hexadecimal digits, white space around them allowed", () => {
    expect(MeshKey.parse(` ${DIGITS.toUpperCase()}\n`)?.reveal()).toBe(DIGITS);
  });

  test.for(["", DIGITS.slice(1), `${DIGITS}0`, `g${DIGITS.slice(1)}`, `${DIGITS.slice(2)} 0`])("is not %j", (text) => {
    expect(MeshKey.parse(text)).toBeUndefined();
  });

  test("equals only the same key", () => {
    const key = MeshKey.parse(DIGITS) as MeshKey;
    expect(key.equals(MeshKey.parse(DIGITS) as MeshKey)).toBe(true);
    expect(key.equals(MeshKey.parse(`1${DIGITS.slice(1)}`) as MeshKey)).toBe(false);
  });

  test("never prints itself", () => {
    const key = MeshKey.parse(DIGITS) as MeshKey;
    expect(`${key} ${JSON.stringify({ key })} ${inspect({ key })}`).not.toMatch(/[0-9a-f]{8}/);
  });

  test("of zeros is known as none", () => {
    expect(MeshKey.parse("0".repeat(64))?.isZero).toBe(true);
    expect(MeshKey.parse(DIGITS)?.isZero).toBe(false);
  });
});
