import { describe, expect, test } from "vitest";
import { HeldBytes } from "./held-bytes.ts";

describe("HeldBytes", () => {
  test("lets one key hold so much, whatever others hold, and more once it lets go", () => {
    const held = new HeldBytes(100);
    expect([held.take("a", 60), held.take("a", 41), held.take("a", 40), held.take("a", 1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(held.take("b", 100)).toBe(true);
    held.release("a", 100);
    expect(held.take("a", 100)).toBe(true);
  });
});
