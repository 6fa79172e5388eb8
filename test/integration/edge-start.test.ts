import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";

const program = join(import.meta.dirname, "../../packages/server/bin/headscale.js");

/** A port of 127.0.0.1 that another program has. */
async function takenPort(): Promise<number> {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  return (other.address() as { port: number }).port;
}

/** What a server says that cannot start, and its exit code; a server that neither serves nor ends fails the test in time. */
async function failedStart(config: object): Promise<{ code: number | null; said: string }> {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ derp: { server: { stun: { enabled: false } } }, ...config }));
  const child = spawn(process.execPath, [program, "serve", "--config", file], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, HOME: folder },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { code, said };
}

describe("a server that cannot start", () => {
  test("because its port is taken says so in one sentence, and ends", { timeout: 60_000 }, async () => {
    const port = await takenPort();
    const { code, said } = await failedStart({ listen_addr: `127.0.0.1:${port}` });
    expect(said).toMatch(new RegExp(`^headscale: cannot listen on 127.0.0.1:${port}: another program.*$`, "m"));
    expect(code).toBe(1);
  });

  test("because its certificate is none says so in one sentence, and ends", { timeout: 60_000 }, async () => {
    const { code, said } = await failedStart({
      server_url: "https://hs.test",
      listen_addr: "127.0.0.1:0",
      tls_cert_path: "config.json",
      tls_key_path: "config.json",
    });
    expect(said).toMatch(/^headscale: tls_cert_path: .* does not hold a PEM certificate.*$/m);
    expect(code).toBe(1);
  });
});
