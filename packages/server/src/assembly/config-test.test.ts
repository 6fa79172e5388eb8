import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "#config/load-config.ts";
import { testConfig } from "./config-test.ts";

const root = mkdtempSync(join(tmpdir(), "configtest-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Writes the files of a configuration and tests it. */
function tested(settings: object, files: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(root, "c-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, "config.json"), JSON.stringify(settings));
  return testConfig(loadConfig({ file: join(folder, "config.json"), env: {}, workingFolder: folder }).config);
}

function makePair(days = 30) {
  const key = generateKey();
  const cert = selfSignedCertificate(key, [parseIdentifier("hs.example.com")], { now: Date.now(), days });
  return { key: keyPem(key), cert };
}

const withTls = { server_url: "https://hs.example.com", tls_cert_path: "cert.pem", tls_key_path: "key.pem" };

describe("testConfig", () => {
  test("has nothing to say about the defaults, and makes no file", async () => {
    expect(await tested({})).toEqual({ mistakes: [], warnings: [] });
  });

  test("names every file that the start of the server would stumble over", async () => {
    const { mistakes } = await tested(
      {
        ...withTls,
        derp: { paths: ["derp.yaml", "none.yaml"], server: { enabled: true } },
        dns: { extra_records_path: "records.json" },
        policy: { path: "policy.hujson" },
      },
      {
        "data/noise_private.key": "secret",
        "data/derp_server_private.key": "privkey:12",
        "cert.pem": makePair().cert,
        "key.pem": makePair().key,
        "derp.yaml": "regions: {0: {}}",
        "records.json": "[1]",
        "policy.hujson": '{"acls": [{"action": "perhaps"}]}',
      },
    );
    expect(mistakes.map(({ key }) => key)).toEqual([
      "noise.private_key_path",
      "derp.server.private_key_path",
      "tls_cert_path",
      "derp.paths",
      "derp.paths",
      "dns.extra_records_path",
      "policy.path",
    ]);
    expect(JSON.stringify(mistakes)).not.toContain("secret");
    expect(mistakes[2]?.says).toMatch(/key.pem does not belong to the certificate in .*cert.pem$/);
    expect(mistakes[6]?.says).toContain("policy.hujson");
  });

  test("names both files of a certificate that are not there", async () => {
    const { mistakes } = await tested(withTls);
    expect(mistakes.map(({ key }) => key)).toEqual(["tls_cert_path", "tls_key_path"]);
  });

  test("warns of a certificate that clients will refuse soon", async () => {
    const { cert, key } = makePair(3);
    const { mistakes, warnings } = await tested(withTls, { "cert.pem": cert, "key.pem": key });
    expect(mistakes).toEqual([]);
    expect(warnings).toEqual([{ key: "tls_cert_path", says: expect.stringMatching(/^expires on /) }]);
  });
});
