import { parsePrefix } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { effectiveRoutes, sortedRoutes } from "./routes.ts";

const routes = (...texts: string[]) => texts.map((text) => parsePrefix(text));

describe("effectiveRoutes", () => {
  test("are those both announced and approved, and those exactly", () => {
    expect(
      effectiveRoutes(
        routes("10.1.0.0/16", "10.0.0.0/24", "0.0.0.0/0"),
        routes("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24"),
      ),
    ).toEqual(["0.0.0.0/0", "10.0.0.0/24"]);
  });
});

describe("sortedRoutes", () => {
  test("puts IPv4 first and a wide prefix before those in it", () => {
    expect(sortedRoutes(routes("fd00::/8", "10.10.0.0/16", "10.0.0.0/8", "9.0.0.0/8", "10.0.0.0/8"))).toEqual([
      "9.0.0.0/8",
      "10.0.0.0/8",
      "10.10.0.0/16",
      "fd00::/8",
    ]);
  });
});
