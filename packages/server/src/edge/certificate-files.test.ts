import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";
import { describe, expect, onTestFinished, test } from "vitest";
import { openCertificateFiles } from "./certificate-files.ts";
import type { EdgeError } from "./edge-error.ts";

function makePair(days = 30) {
  const key = generateKey();
  const cert = selfSignedCertificate(key, [parseIdentifier("hs.test.example")], { now: Date.now(), days });
  return { key: keyPem(key), cert };
}

/** A pair in files, watched by hand. */
async function openFiles() {
  const folder = await mkdtemp(join(tmpdir(), "edge-cert-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [certPath, keyPath] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const write = async ({ key, cert }: { key: string; cert: string }) => {
    await writeFile(certPath, cert);
    await writeFile(keyPath, key);
  };
  const first = makePair();
  await write(first);
  const refused: EdgeError[] = [];
  const files = await openCertificateFiles({ certPath, keyPath, onRefused: (error) => refused.push(error) });
  onTestFinished(() => files[Symbol.dispose]());
  return { folder, certPath, keyPath, write, first, refused, files };
}

describe("openCertificateFiles", () => {
  test("serves what the files hold, and what they hold next", async () => {
    const { files, first, write } = await openFiles();
    expect(files.current()).toEqual(first);
    const heard: unknown[] = [];
    files.onChange((pair) => heard.push(pair));
    const second = makePair();
    await write(second);
    await files.reload();
    await files.reload();
    expect(files.current()).toEqual(second);
    expect(heard).toEqual([second]);
  });

  test("looks at the files by itself", async () => {
    const { certPath, keyPath, write } = await openFiles();
    const files = await openCertificateFiles({ certPath, keyPath, everyMs: 10 });
    onTestFinished(() => files[Symbol.dispose]());
    const next = Promise.withResolvers<unknown>();
    files.onChange(next.resolve);
    const second = makePair();
    await write(second);
    expect(await next.promise).toEqual(second);
  });

  test("follows symbolic links, as certbot and Kubernetes exchange them", async () => {
    const { folder, certPath, keyPath, files } = await openFiles();
    const second = makePair();
    for (const [path, content] of [
      [certPath, second.cert],
      [keyPath, second.key],
    ] as const) {
      await writeFile(join(folder, "archive"), content);
      await rename(join(folder, "archive"), `${path}.2`);
      await symlink(`${path}.2`, join(folder, "link"));
      await rename(join(folder, "link"), path);
    }
    await files.reload();
    expect(files.current()).toEqual(second);
  });

  test("keeps the old pair while the files do not fit, says why once, and takes the pair once they do", async () => {
    const { certPath, keyPath, files, first, refused } = await openFiles();
    const second = makePair();
    await writeFile(certPath, second.cert);
    await files.reload();
    await files.reload();
    expect(files.current()).toEqual(first);
    expect(refused.map(({ message }) => message)).toEqual([
      `tls_key_path: the key in ${keyPath} does not belong to the certificate in ${certPath}`,
    ]);
    await writeFile(keyPath, second.key);
    await files.reload();
    expect(files.current()).toEqual(second);
  });

  test("keeps the old pair, in hand and in force, when OpenSSL would not serve the new one", async () => {
    const { certPath, files, first, refused } = await openFiles();
    const heard: unknown[] = [];
    files.onChange((pair) => heard.push(pair));
    await writeFile(certPath, `${first.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`);
    await files.reload();
    expect([files.current(), heard]).toEqual([first, []]);
    expect(refused.map(({ code }) => code)).toEqual(["bad-certificate"]);
  });

  test("keeps the old pair when a file disappears", async () => {
    const { keyPath, files, first, refused } = await openFiles();
    await rm(keyPath);
    await files.reload();
    expect(files.current()).toEqual(first);
    expect(refused[0]?.message).toBe(`tls_key_path: cannot read ${keyPath}`);
  });

  test("says at the start, daily and of each new pair what clients will not like about its dates", async () => {
    const { certPath, keyPath, write } = await openFiles();
    const doubts: string[] = [];
    let now = Date.now();
    const files = await openCertificateFiles({
      certPath,
      keyPath,
      now: () => now,
      onDoubt: (says) => doubts.push(says),
    });
    onTestFinished(() => files[Symbol.dispose]());
    expect(doubts).toEqual([]);
    now += 26 * 86_400_000;
    await files.reload();
    await files.reload();
    now += 5 * 86_400_000;
    await files.reload();
    await write(makePair(90));
    await files.reload();
    now -= 40 * 86_400_000;
    await write(makePair());
    await files.reload();
    expect(doubts).toEqual([
      expect.stringMatching(/^expires on .*, in 4 days: renew it$/),
      expect.stringMatching(/^has expired on /),
      expect.stringMatching(/^is not valid before .*clock right\?$/),
    ]);
  });

  test("says when it is not for the name that clients dial", async () => {
    const { certPath, keyPath } = await openFiles();
    const doubtsOf = async (host: string) => {
      const doubts: string[] = [];
      const files = await openCertificateFiles({ certPath, keyPath, host, onDoubt: (says) => doubts.push(says) });
      files[Symbol.dispose]();
      return doubts;
    };
    expect(await doubtsOf("hs.test.example")).toEqual([]);
    expect(await doubtsOf("other.test.example")).toEqual([
      expect.stringMatching(/^is not for other.test.example, which/),
    ]);
    expect(await doubtsOf("192.0.2.1")).toEqual([expect.stringMatching(/^is not for 192.0.2.1/)]);
  });

  test("refuses a file larger than it may be", async () => {
    const { certPath, keyPath } = await openFiles();
    const opening = openCertificateFiles({ certPath, keyPath, maxBytes: 100 });
    await expect(opening).rejects.toMatchObject({ cause: { message: expect.stringContaining("limits.file_size") } });
  });

  test.for([
    {
      says: "a certificate that is none",
      file: "cert.pem",
      content: "hello",
      message: /tls_cert_path: .* does not hold a PEM certificate/,
    },
    { says: "an empty certificate", file: "cert.pem", content: "", message: /tls_cert_path/ },
    {
      says: "a key that is none",
      file: "key.pem",
      content: "-----BEGIN PRIVATE KEY-----\nsecret\n",
      message: /tls_key_path/,
    },
  ])("does not start with $says, and quotes nothing of it", async ({ file, content, message }) => {
    const { folder, certPath, keyPath } = await openFiles();
    await writeFile(join(folder, file), content);
    const opening = openCertificateFiles({ certPath, keyPath });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.not.toThrow(/secret|hello/);
  });
});
