import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { afterAll, describe, expect, test } from "vitest";
import { readOrMakeKey } from "./key-file.ts";

const root = mkdtempSync(join(tmpdir(), "key-"));
afterAll(() => rmSync(root, { recursive: true }));
let files = 0;
const fresh = () => join(root, String(files++), "noise_private.key");
const written = (text: string) => {
  const path = fresh();
  mkdirSync(join(path, ".."));
  writeFileSync(path, text);
  return path;
};
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("readOrMakeKey", () => {
  test("makes a key at the first start, for the server's eyes alone, and finds it at the next", async () => {
    const path = fresh();
    const made = await readOrMakeKey(path);
    expect([mode(path), mode(join(path, ".."))]).toEqual(["600", "700"]);
    expect(readFileSync(path, "utf8")).toMatch(/^privkey:[0-9a-f]{64}\n$/);
    expect((await readOrMakeKey(path)).reveal()).toEqual(made.reveal());
  });

  test("makes another key for another file", async () => {
    expect((await readOrMakeKey(fresh())).reveal()).not.toEqual((await readOrMakeKey(fresh())).reveal());
  });

  test.for(["", "\n", "\r\n  "])("reads headscale's own file, with %j behind the key", async (end) => {
    const key = new PrivateKey(new Uint8Array(32).fill(7));
    expect((await readOrMakeKey(written(key.toFileText() + end))).reveal()).toEqual(key.reveal());
  });

  test.for([
    { says: "empty", text: "" },
    { says: "cut off", text: `privkey:${"ab".repeat(20)}` },
    { says: "a public key", text: `mkey:${"ab".repeat(32)}` },
    { says: "something else", text: "-----BEGIN PRIVATE KEY-----" },
  ])("refuses a file that is $says, names it, keeps it and does not show it", async ({ text }) => {
    const path = written(text);
    const refused = readOrMakeKey(path);
    await expect(refused).rejects.toThrow(`${path}: cannot be read as a private key`);
    await expect(refused).rejects.not.toThrow(/abab|BEGIN/);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("refuses a folder in the file's place", async () => {
    await expect(readOrMakeKey(root)).rejects.toThrow(root);
  });
});
