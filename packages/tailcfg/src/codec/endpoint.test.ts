import { describe, expect, test } from "vitest";
import { isEndpoint } from "./endpoint.ts";

describe("isEndpoint", () => {
  test.for([
    "1.2.3.4:41641",
    "0.0.0.0:0",
    "255.255.255.255:65535",
    "[2001:db8::1]:41641",
    "[::]:1",
    "[::ffff:1.2.3.4]:5",
  ])("takes %s", (text) => {
    expect(isEndpoint(text)).toBe(true);
  });

  test.for([
    "",
    ":1",
    "1.2.3.4",
    "1.2.3.4:",
    "1.2.3.4:65536",
    "1.2.3.4:-1",
    "1.2.3.4:1:2",
    "1.2.3:1",
    "01.2.3.4:1",
    "1.2.3.4:1\n",
    " 1.2.3.4:1",
    "example.com:1",
    "2001:db8::1:41641",
    "[1.2.3.4]:1",
    "[2001:db8::1]",
    "[2001:db8::1]:",
    "[fe80::1%eth0]:1",
    "[[::1]]:1",
    `${"1".repeat(100_000)}:1`,
  ])("refuses %j, which would make every peer's map unreadable", (text) => {
    expect(isEndpoint(text)).toBe(false);
  });
});
