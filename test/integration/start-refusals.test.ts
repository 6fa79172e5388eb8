import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const program = join(import.meta.dirname, "../../packages/server/src/main.ts");
const folder = mkdtempSync(join(tmpdir(), "refusals-"));
let taken: Server;
let port = 0;

beforeAll(async () => {
  taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  port = (taken.address() as { port: number }).port;
});
afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true });
});

let runs = 0;

/** What a run of the program says on standard error, and how it ends: by itself, or not at all. */
async function run(command: string, config: (data: string) => object): Promise<{ code: unknown; said: string }> {
  const home = join(folder, String(runs++));
  mkdirSync(join(home, "data"), { recursive: true });
  writeFileSync(join(home, "config.json"), JSON.stringify(config(join(home, "data"))));
  return start([command, "--config", join(home, "config.json")], home);
}

async function start(args: readonly string[], home: string): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    const options = { timeout: 60_000, killSignal: "SIGKILL", env: { PATH: process.env.PATH, HOME: home } } as const;
    execFile(process.execPath, [program, ...args], options, (error, _stdout, stderr) => {
      resolve({ code: error?.killed ? "it never ended" : (error?.code ?? 0), said: stderr });
    });
  });
}

const quiet = { derp: { server: { stun: { enabled: false } } }, listen_addr: "127.0.0.1:0" };

describe("headscale", { timeout: 90_000 }, () => {
  test("says that its port is taken, and ends", async () => {
    const { code, said } = await run("serve", (data_dir) => ({
      ...quiet,
      data_dir,
      server_url: `http://127.0.0.1:${port}`,
      listen_addr: `127.0.0.1:${port}`,
    }));
    expect(said).toMatch(/cannot listen on 127\.0\.0\.1:\d+: another program, perhaps another headscale, does already/);
    expect(code).toBe(1);
  });

  test("says that its key is none, without showing it, and ends", async () => {
    const { code, said } = await run("serve", (data_dir) => {
      writeFileSync(join(data_dir, "noise_private.key"), "privkey:5ec4e7");
      return { ...quiet, data_dir };
    });
    expect(said).toMatch(
      /noise_private\.key: cannot be read as a private key: restore it from a backup, or move it away/,
    );
    expect(said).not.toContain("5ec4e7");
    expect(code).toBe(1);
  });

  test.for(["serve", "configtest"])("names every mistake at once on %s", async (command) => {
    const { code, said } = await run(command, (data_dir) => ({
      ...quiet,
      data_dir,
      limits: { machine_body: "12XB", request_timeout: 5 },
      tls_cert_path: "/a",
      log: { level: "loud" },
      listen_adr: ":80",
    }));
    expect(said.split("\n").filter((line) => line.startsWith("Fatal config error: "))).toEqual([
      expect.stringMatching(/log.level: must be one of trace, debug, info, warn, error, not "loud"/),
      expect.stringMatching(/limits.request_timeout: must be a length of time with its unit, from 10ms to 1h, not "5"/),
      expect.stringMatching(/limits.machine_body: must be a size from 1KiB to 1GiB.*, not "12XB"/),
      expect.stringMatching(/tls_key_path: is missing/),
    ]);
    expect(said).toContain("Warning: listen_adr: is not known and has no effect. Did you mean listen_addr?\n");
    expect(code).toBe(1);
  });

  test("tells on configtest what an unknown key may have meant, and takes the rest", async () => {
    const { code, said } = await run("configtest", (data_dir) => ({ ...quiet, data_dir, limits: { conections: 5 } }));
    expect(said).toBe("Warning: limits.conections: is not known and has no effect. Did you mean limits.connections?\n");
    expect(code).toBe(0);
  });
});

describe("headscale's command line", { timeout: 90_000 }, () => {
  test.for([
    { line: ["nodes", "list", "-o", "json"], code: 2, says: /^headscale: .* headscalectl nodes list\n$/ },
    { line: ["nonsense"], code: 2, says: /^headscale: there is no command "nonsense"\n\nUsage: headscale / },
    { line: ["serve", "--fast"], code: 2, says: /^headscale: unknown option '--fast'\n\nUsage: headscale / },
    { line: ["--config"], code: 2, says: /^headscale: option '-c, --config <value>' argument missing\n/ },
    { line: ["--version"], code: 0, says: /^$/ },
    { line: ["--help", "--fast"], code: 0, says: /^$/ },
  ])("takes $line for what it is", async ({ line, code, says }) => {
    const ended = await start(line, folder);
    expect(ended.said).toMatch(says);
    expect(ended.code).toBe(code);
  });
});
