import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";
import { until } from "../lab/until.ts";

const bin = join(import.meta.dirname, "bin");

/** Builds Pebble, Let's Encrypt's ACME server for tests, unless it is built from the present go.mod. Needs Go. */
export async function buildPebble(): Promise<void> {
  const built = join(bin, "pebble");
  const recipe = join(import.meta.dirname, "go.mod");
  if (existsSync(built) && statSync(built).mtimeMs > statSync(recipe).mtimeMs) return;
  await rm(bin, { recursive: true, force: true });
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };
  await promisify(execFile)("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", "bin/", "tool"], {
    cwd: import.meta.dirname,
    env,
  });
}

export interface PebbleOptions {
  /** Where it looks for HTTP-01 and TLS-ALPN-01 answers; every name is 127.0.0.1, or the address it is. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** How many percent of good nonces it refuses. */
  readonly refusedNonces?: number;
  readonly validSeconds?: number;
  /** Customers' MAC keys by their id; when given, accounts must be bound to one. */
  readonly customers?: Readonly<Record<string, string>>;
  /** Its own port, for a server that comes up where one was missing. */
  readonly port?: number;
}

/** A certificate authority of one's own. */
export interface Pebble extends AsyncDisposable {
  readonly directory: string;
  /** PEM of the root of everything it issues; new at each start. */
  root(): Promise<string>;
}

/** Starts Pebble and the DNS server it asks. This process trusts its API. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), "pebble-"));
  const [port, management, dns, dnsManagement] = await Promise.all([
    options.port ?? freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  await writeFile(join(folder, "key.pem"), api.key);
  await writeFile(join(folder, "cert.pem"), api.cert);
  await writeFile(join(folder, "config.json"), JSON.stringify(configuration(options, port, management)));
  const resolver = start("pebble-challtestsrv", folder, {}, [
    ...["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""],
    ...["-dnsserver", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`],
  ]);
  const faults = {
    PEBBLE_VA_NOSLEEP: "1",
    PEBBLE_AUTHZREUSE: "0",
    PEBBLE_WFE_NONCEREJECT: String(options.refusedNonces ?? 0),
  };
  const server = start("pebble", folder, faults, [
    "-strict",
    "-config",
    "config.json",
    "-dnsserver",
    `127.0.0.1:${dns}`,
  ]);
  const directory = `https://127.0.0.1:${port}/dir`;
  const stop = async () => {
    await Promise.all([server.end(), resolver.end()]);
    await rm(folder, { recursive: true });
  };
  await until({
    what: "Pebble",
    withinMs: 15_000,
    probe: async () => (await fetch(directory)).ok,
    evidence: server.output,
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    directory,
    root: async () => (await fetch(`https://127.0.0.1:${management}/roots/0`)).text(),
    [Symbol.asyncDispose]: stop,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

function configuration(
  { httpPort, tlsPort, customers, validSeconds = 7_776_000 }: PebbleOptions,
  port: number,
  management: number,
) {
  const profile = { description: "", validityPeriod: validSeconds };
  return {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: "cert.pem",
      privateKey: "key.pem",
      httpPort,
      tlsPort,
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles: { default: profile, shortlived: profile },
      ...(customers && { externalAccountBindingRequired: true, externalAccountMACKeys: customers }),
    },
  };
}

/** The certificate of every Pebble's API. `fetch` takes in new roots before its first connection only, so there is one. */
const api = (() => {
  const key = generateKey();
  const cert = selfSignedCertificate(key, [parseIdentifier("127.0.0.1")], { now: Date.now(), days: 1 });
  setDefaultCACertificates([...getCACertificates(), cert]);
  return { key: keyPem(key), cert };
})();

function start(program: string, cwd: string, env: Record<string, string>, args: readonly string[]) {
  const child: ChildProcess = spawn(join(bin, program), args, { cwd, env: { ...process.env, ...env } });
  let said = "";
  const keep = (text: Buffer) => {
    said = (said + text).slice(-4_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  // A test run that ends early takes them with it.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return {
    output: () => said,
    async end() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
