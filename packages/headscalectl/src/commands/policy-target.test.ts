import { describe, expect, test } from "vitest";
import { parseTarget } from "./policy-target.ts";

describe("parseTarget", () => {
  test.for([
    { text: "printer", dst: "printer", port: 0 },
    { text: "printer:631", dst: "printer", port: 631 },
    { text: "printer:*", dst: "printer", port: 0 },
    { text: "100.64.0.1:22", dst: "100.64.0.1", port: 22 },
    { text: "fd7a:115c::1", dst: "fd7a:115c::1", port: 0 },
    { text: "[fd7a::1]:443", dst: "fd7a::1", port: 443 },
    { text: "[fd7a::1]", dst: "fd7a::1", port: 0 },
    { text: "tag:web", dst: "tag:web", port: 0 },
    { text: "tag:web:443", dst: "tag:web", port: 443 },
    { text: "alice@example.com:22", dst: "alice@example.com", port: 22 },
  ])("reads $text", ({ text, dst, port }) => {
    expect(parseTarget(text, undefined)).toEqual({ dst, port });
  });

  test("lets the flag say the port", () => {
    expect(parseTarget("tag:web", "80")).toEqual({ dst: "tag:web", port: 80 });
  });

  test.for(["a:0", "a:65536", "a:http", "[::1]:", "a:"])("refuses %s", (text) => {
    expect(() => parseTarget(text, undefined)).toThrow("port: not a number");
  });
});
