import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { certificatePin } from "@headscale/derp/certificate";

const here = import.meta.dirname;
const bin = join(here, "bin");
const STARTS_WITHIN_MS = 30_000;
const SOURCES = ["go.mod", "main.go", "load.go", "check.go"];

/** Builds derper and our client program of Tailscale's own packages, unless they are newer than their sources. Needs Go. */
export async function buildGoPrograms(): Promise<void> {
  const built = join(bin, "derpbench");
  const isFresh = (source: string) => statSync(built).mtimeMs > statSync(join(here, source)).mtimeMs;
  if (existsSync(built) && existsSync(join(bin, "derper")) && SOURCES.every(isFresh)) return;
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };
  // The tag lets the client speak DERP inside a WebSocket, when the environment tells it to.
  const args = ["build", "-trimpath", "-tags", "ts_debug_websockets", "-o", "bin/", ".", "tailscale.com/cmd/derper"];
  await promisify(execFile)("go", args, { cwd: here, env });
}

/** A relay in a process of its own. */
export interface RelayProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it said to put into a DERP map. */
  readonly node: DerpNode;
}

export interface DerpNode {
  readonly HostName: string;
  readonly CertName: string;
  readonly DERPPort: number;
}

/** Tailscale's relay, self-signed, its state in `directory`. */
export async function startDerper(directory: string, port: number, ...more: string[]): Promise<RelayProcess> {
  const args = ["-a", `127.0.0.1:${port}`, "-certmode", "manual", "-certdir", directory, "-hostname", "127.0.0.1"];
  const relay = await start(join(bin, "derper"), [
    ...args,
    ...["-stun=false", "-http-port", "-1", "-c", join(directory, "derper.json"), ...more],
  ]);
  return Object.assign(relay, { node: { ...relay.node, DERPPort: port } });
}

/** Our relay, self-signed, on a port that it picks. */
export function startOurs(...more: string[]): Promise<RelayProcess> {
  const main = join(here, "../../../packages/derp/src/main.ts");
  const args = ["--hostname", "127.0.0.1", "--listen", "127.0.0.1:0", "--stun-listen", "off"];
  return start(process.execPath, [main, ...args, ...more]);
}

/** The relay inside the daemon, behind the listener that it shares with everything else. */
export async function startDaemon(directory: string, port: number): Promise<RelayProcess> {
  const config = join(directory, "config.json");
  await writeFile(config, JSON.stringify(daemonConfig(directory, port)));
  const main = join(here, "../../../packages/server/src/main.ts");
  const child = spawn(process.execPath, [main, "serve", "--config", config], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return processOf(child, {
    HostName: "127.0.0.1",
    CertName: certificatePin(await certificateAt(port)),
    DERPPort: port,
  });
}

function daemonConfig(directory: string, port: number): object {
  return {
    server_url: `http://127.0.0.1:${port}`,
    listen_addr: `127.0.0.1:${port}`,
    metrics_listen_addr: "",
    data_dir: join(directory, "data"),
    unix_socket: join(directory, "admin.sock"),
    derp: { server: { enabled: true, verify_clients: false, stun: { enabled: false } } },
    dns: { magic_dns: false },
    log: { level: "error" },
  };
}

/** Runs the client program against a relay and returns what it found. Rejects with what it complained of. */
export async function runClient(command: "load" | "check", node: object, ...flags: string[]): Promise<object> {
  return client(command, node, flags, {});
}

/** The same with DERP inside a WebSocket, as browsers speak it; believes the relay's certificate, kept in `directory`. */
export async function runWebSocketClient(
  directory: string,
  command: "load" | "check",
  node: { readonly DERPPort: number },
  ...flags: string[]
): Promise<object> {
  const certificate = join(directory, "relay.crt");
  await writeFile(certificate, await certificateAt(node.DERPPort));
  return client(command, node, flags, { TS_DEBUG_DERP_WS_CLIENT: "1", SSL_CERT_FILE: certificate });
}

async function client(
  command: string,
  node: object,
  flags: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<object> {
  const args = [command, "-node", JSON.stringify(node), ...flags];
  const { stdout } = await promisify(execFile)(join(bin, "derpbench"), args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as object;
}

/** PEM of what is shown at a port of this machine, as soon as something is. */
async function certificateAt(port: number): Promise<string> {
  const deadline = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    try {
      await once(socket, "secureConnect");
      return socket.getPeerX509Certificate()?.toString() ?? "";
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(50);
    } finally {
      socket.destroy();
    }
  }
}

/** Starts a program and waits for the line that has a DERPNode's JSON in it; derper says it before it listens. */
async function start(command: string, args: readonly string[]): Promise<RelayProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = "";
  const hear = (chunk: Buffer) => {
    output += chunk;
    const node = /\{"Name":.*\}/.exec(output);
    if (node && (command === process.execPath || output.includes("serving on"))) resolve(node[0]);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  child.once("exit", (code) => reject(new Error(`${command} ended with ${code}: ${output}`)));
  return processOf(child, JSON.parse(await promise) as DerpNode);
}

function processOf(child: ChildProcess, node: DerpNode): RelayProcess {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    pid: child.pid ?? 0,
    node,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
