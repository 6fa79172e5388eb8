import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { decodeStoredText, encodeStoredText } from "./stored-text.ts";

describe("encodeStoredText", () => {
  test.for(["", "plain", "Größe 🦊", "a\\u0000b", "\t\r\n\u0001\u007f", "\ufffd"])("leaves %j as it is", (text) => {
    expect(encodeStoredText(text)).toBe(text);
  });

  test.for([
    { says: "NUL", text: "a\u0000b", stored: "a\u00100000b" },
    { says: "a lone surrogate", text: "\ud83e!", stored: "\u0010d83e!" },
    { says: "its own mark", text: "\u00100041", stored: "\u001000100041" },
  ])("replaces $says", ({ text, stored }) => {
    expect(encodeStoredText(text)).toBe(stored);
    expect(decodeStoredText(stored)).toBe(text);
  });

  property.prop([fc.string({ unit: "binary" })])("gives text that UTF-8 keeps and that comes back whole", (text) => {
    const stored = encodeStoredText(text);
    expect(stored.isWellFormed()).toBe(true);
    expect(stored).not.toContain("\u0000");
    expect(decodeStoredText(stored)).toBe(text);
  });

  property.prop([fc.array(fc.constantFrom("\u0010", "\u0000", "0", "1", "\ud800", "\udc00")), fc.nat(9)])(
    "gives different texts for different texts",
    (parts, at) => {
      const [one, other] = [parts.join(""), parts.toSpliced(at, 1).join("")];
      expect(encodeStoredText(one) === encodeStoredText(other)).toBe(one === other);
    },
  );
});
