import { execFile, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const here = import.meta.dirname;
const bin = join(here, "bin");
const SOURCES = ["go.mod", "main.go", "load.go", "check.go"];

/** Builds derper and our client program of Tailscale's own packages, unless they are newer than their sources. Needs Go. */
export async function buildGoPrograms(): Promise<void> {
  const built = join(bin, "derpbench");
  const isFresh = (source: string) => statSync(built).mtimeMs > statSync(join(here, source)).mtimeMs;
  if (existsSync(built) && existsSync(join(bin, "derper")) && SOURCES.every(isFresh)) return;
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };
  await promisify(execFile)("go", ["build", "-trimpath", "-o", "bin/", ".", "tailscale.com/cmd/derper"], {
    cwd: here,
    env,
  });
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

/** Runs the client program against a relay and returns what it found. Rejects with what it complained of. */
export async function runClient(command: "load" | "check", node: object, ...flags: string[]): Promise<object> {
  const args = [command, "-node", JSON.stringify(node), ...flags];
  const { stdout } = await promisify(execFile)(join(bin, "derpbench"), args);
  return JSON.parse(stdout) as object;
}

/** Starts a program and waits for the line that has a DERPNode's JSON in it; derper says it before it listens. */
async function start(command: string, args: readonly string[]): Promise<RelayProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
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
  const node = JSON.parse(await promise) as DerpNode;
  return {
    pid: child.pid ?? 0,
    node,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
