import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { pinnedCertificate } from "./pinned-certificate.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "pinned-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}
const fileIn = (path: string) => join(path, readdirSync(path)[0] ?? "");

describe("pinnedCertificate", () => {
  test("stays the same over restarts, and is another one for another host", async () => {
    const place = folder();
    const first = await pinnedCertificate(place, "10.0.0.1");
    expect(await pinnedCertificate(place, "10.0.0.1")).toEqual(first);
    expect((await pinnedCertificate(place, "10.0.0.2")).pin).not.toBe(first.pin);
    expect(first.pin).toMatch(/^sha256-raw:[0-9a-f]{64}$/);
    expect(new X509Certificate(first.cert).checkIP("10.0.0.1")).toBe("10.0.0.1");
    expect(statSync(fileIn(place)).mode & 0o777).toBe(0o600);
  });

  test.for([
    { says: "empty", damage: () => "" },
    { says: "cut in the key", damage: (text: string) => text.slice(0, 60) },
    { says: "cut in the certificate", damage: (text: string) => text.slice(0, -100) },
    { says: "something else", damage: () => "-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n" },
    { says: "without its key", damage: (text: string) => text.slice(text.indexOf("-----BEGIN CERT")) },
  ])("is made anew when its file is $says", async ({ damage }) => {
    const place = folder();
    const { pin } = await pinnedCertificate(place, "hs.test");
    writeFileSync(fileIn(place), damage(readFileSync(fileIn(place), "utf8")));
    const again = await pinnedCertificate(place, "hs.test");
    expect(again.pin).not.toBe(pin);
    expect(await pinnedCertificate(place, "hs.test")).toEqual(again);
  });
});
