import { join } from "node:path";
import { type Daemon, type Host, tail } from "./host.ts";
import { until } from "./until.ts";

/** Starts one of the lab's programs on a host, under Node, and waits for its word. */
export async function startProgram(host: Host, program: string, ...args: readonly string[]): Promise<Daemon> {
  const path = join(import.meta.dirname, "programs", program);
  const daemon = await host.daemon([process.execPath, path, ...args], `${program}.log`, process.env);
  await until({
    what: `${program} on ${host.name}`,
    withinMs: 20_000,
    probe: () => tail(daemon.log).includes("ready"),
    evidence: () => tail(daemon.log),
  });
  return daemon;
}

/** A unix socket that leads to a host's TCP port: the way from the test into the lab. */
export async function bridgeTo(host: Host, port: number): Promise<string> {
  const socket = join(host.directory, `to-${port}`);
  await startProgram(host, "bridge.ts", socket, String(port));
  return socket;
}
