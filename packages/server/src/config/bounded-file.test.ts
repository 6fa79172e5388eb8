import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readBoundedFile } from "./bounded-file.ts";

const folder = mkdtempSync(join(tmpdir(), "bounded-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "file");

describe("readBoundedFile", () => {
  test.for([
    { says: "nothing", text: "" },
    { says: "a text in many pieces", text: "é".repeat(100_000) },
    { says: "all that it may have", text: "x".repeat(200_000) },
  ])("reads $says", async ({ text }) => {
    writeFileSync(path, text);
    expect(await readBoundedFile(path, 200_000)).toBe(text);
  });

  test("refuses one byte more, and says by which limit", async () => {
    writeFileSync(path, "x".repeat(200_001));
    await expect(readBoundedFile(path, 200_000)).rejects.toThrow("is larger than 200000 bytes (limits.file_size)");
  });

  test("stops reading what has no end", async () => {
    await expect(readBoundedFile("/dev/zero", 100_000)).rejects.toThrow(/limits.file_size/);
  });

  test.for(["missing", ""])("tells why it cannot read %o", async (name) => {
    await expect(readBoundedFile(join(folder, name), 10)).rejects.toThrow(/ENOENT|EISDIR/);
  });
});
