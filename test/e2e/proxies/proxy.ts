import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";
import type { Command } from "../lab/process.ts";
import { until } from "../lab/until.ts";
import { programPath } from "../requirements.ts";

export const proxies = ["nginx", "caddy"] as const;
export type ProxyName = (typeof proxies)[number];

const recipes = {
  nginx: {
    file: "nginx.conf",
    command: (config: string, folder: string): Command => ["nginx", "-c", config, "-p", folder],
  },
  caddy: {
    file: "Caddyfile",
    command: (config: string): Command => ["caddy", "run", "--adapter", "caddyfile", "--config", config],
  },
} as const;

/** A reverse proxy with TLS on 127.0.0.1. */
export interface ReverseProxy extends AsyncDisposable {
  readonly port: number;
  /** PEM of its certificate, for 127.0.0.1. */
  readonly ca: string;
}

export interface ProxyPlace {
  /** Holds cert.pem and key.pem already. */
  readonly folder: string;
  /** What clients call it. */
  readonly name: string;
  readonly address: string;
  readonly listen: number;
  /** A port on 127.0.0.1. */
  readonly upstream: number;
}

/** Writes a proxy's configuration, and tells how it is started. */
export async function configureProxy(
  proxy: ProxyName,
  place: ProxyPlace,
): Promise<{ readonly command: Command; readonly env: NodeJS.ProcessEnv }> {
  const { file, command } = recipes[proxy];
  const { folder } = place;
  const values = new Map(Object.entries(place).map(([key, value]) => [key, String(value)]));
  const template = await readFile(join(import.meta.dirname, file), "utf8");
  const config = template.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => values.get(key) ?? "");
  await writeFile(join(folder, file), config);
  const env = { ...process.env, PATH: programPath, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return { command: command(join(folder, file), folder), env };
}

/** Starts nginx or Caddy from Debian, configured as our documentation says, on port `listen` before port `upstream`. */
export async function startProxy(name: ProxyName, listen: number, upstream: number): Promise<ReverseProxy> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const key = generateKey();
  const ca = selfSignedCertificate(key, [parseIdentifier("127.0.0.1")], { now: Date.now(), days: 1 });
  await writeFile(join(folder, "cert.pem"), ca);
  await writeFile(join(folder, "key.pem"), keyPem(key));
  const place = { folder, name: "127.0.0.1", address: "127.0.0.1", listen, upstream };
  const { command, env } = await configureProxy(name, place);
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const stop = () => child.kill("SIGTERM");
  process.once("exit", stop);
  child.once("exit", () => process.off("exit", stop));
  await until({ what: name, withinMs: 15_000, probe: () => accepts(listen), evidence: () => said });
  return {
    port: listen,
    ca,
    async [Symbol.asyncDispose]() {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // nginx: stop at once, workers included.
  child.kill("SIGTERM");
  await once(child, "exit");
}
