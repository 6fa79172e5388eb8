import { describe, expect, test } from "vitest";
import { SharedMessages } from "./shared-messages.ts";

describe("SharedMessages", () => {
  test("makes equal messages once, and others apart", () => {
    const messages = new SharedMessages();
    const first = messages.of('{"a":1}');
    expect(messages.of(["{", '"a":1', "}"].join(""))).toBe(first);
    expect(messages.of('{"a":2}')).not.toEqual(first);
  });

  test("puts the length before the compressed text", () => {
    const message = Buffer.from(new SharedMessages().of('{"a":1}'));
    expect(message.readUInt32LE(0)).toBe(message.length - 4);
  });

  test("forgets rather than remember without end", () => {
    const messages = new SharedMessages();
    const text = (n: number) => `{"a":"${n}${"x".repeat(1 << 20)}"}`;
    const first = messages.of(text(0));
    for (let n = 1; n < 8; n++) messages.of(text(n));
    const again = messages.of(text(0));
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});
