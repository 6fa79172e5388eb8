import { PrivateKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { Seal } from "./seal.ts";

const seal = new Seal(new PrivateKey(new Uint8Array(32).fill(1)));
const closed = seal.close("login", { state: "geheim" }, 1000);

describe("Seal", () => {
  test("opens what another server with the same key has closed, until it runs out", () => {
    const replica = new Seal(new PrivateKey(new Uint8Array(32).fill(1)));
    expect(replica.open("login", closed, 999)).toEqual({ state: "geheim" });
    expect(replica.open("login", closed, 1000)).toBeUndefined();
  });

  test("shows nothing of what is inside", () => {
    expect(Buffer.from(closed, "base64url").toString("latin1")).not.toContain("geheim");
    expect(closed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(seal.close("login", { state: "geheim" }, 1000)).not.toBe(closed);
  });

  test("is for one purpose, and for one key", () => {
    expect(seal.open("ticket", closed, 0)).toBeUndefined();
    const other = new Seal(new PrivateKey(new Uint8Array(32).fill(2)));
    expect(other.open("login", closed, 0)).toBeUndefined();
  });

  test("refuses the text cut anywhere, or with any byte changed", () => {
    const bytes = Buffer.from(closed, "base64url");
    for (let at = 0; at < bytes.length; at++) {
      expect(seal.open("login", bytes.subarray(0, at).toString("base64url"), 0)).toBeUndefined();
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(seal.open("login", changed.toString("base64url"), 0)).toBeUndefined();
    }
  });

  test.for(["", "x", "null", "{}", "%%%", "A".repeat(100)])("refuses %j", (text) =>
    expect(seal.open("login", text, 0)).toBeUndefined(),
  );
});
