import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin } from "../../e2e/lab/admin.ts";
import { ControlServer } from "../../support/control/control-server.ts";

const main = join(import.meta.dirname, "../../../packages/server/src/main.ts");
/** What Linux counts CPU time in. proc_pid_stat(5) */
const ticksPerSecond = 100;
const startsWithinMs = 30_000;

/** The daemon as a process of its own: SQLite in a temporary folder, plain HTTP on loopback, no metrics. */
export class BenchDaemon implements AsyncDisposable {
  readonly server: ControlServer;
  readonly admin: Admin;
  readonly port: number;
  readonly #folder: string;
  /** Where its log goes: a file when there is much to be expected. */
  readonly #log: "inherit" | number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number, log: "inherit" | number) {
    this.#folder = folder;
    this.#log = log;
    this.port = port;
    this.server = new ControlServer({ host: "127.0.0.1", port });
    this.admin = new Admin(join(folder, "admin.sock"));
  }

  /** `over`: keys of the configuration in place of the bench's own, top level by top level. */
  static async start(over: Readonly<Record<string, unknown>> = {}): Promise<BenchDaemon> {
    const folder = mkdtempSync(join(tmpdir(), "headscale-bench-"));
    const port = await freePort();
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "derp.json"), JSON.stringify(relayMap));
    writeFileSync(join(folder, "policy.json"), JSON.stringify(openPolicy));
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...configuration(folder, port), ...over }));
    const daemon = new BenchDaemon(folder, port, over.log ? openSync(join(folder, "log"), "a") : "inherit");
    await daemon.run();
    return daemon;
  }

  /** Starts the process; resolves with the ms until it answers. */
  async run(): Promise<number> {
    const startedAt = performance.now();
    // BENCH_NODE_OPTIONS: for --cpu-prof and the like.
    const options = (process.env.BENCH_NODE_OPTIONS ?? "").split(" ").filter((option) => option !== "");
    const child = spawn(process.execPath, [...options, main, "serve", "--config", join(this.#folder, "config.json")], {
      stdio: ["ignore", "ignore", this.#log],
    });
    this.#child = child;
    await this.#until(async () => (await this.server.fetch("GET", "/health")).status === 200);
    const answersAfterMs = performance.now() - startedAt;
    await this.#until(() => this.admin.call("Health").then(() => true));
    return answersAfterMs;
  }

  async #until(holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + startsWithinMs;
    while (!(await holds().catch(() => false))) {
      if (this.#child?.exitCode !== null) throw new Error("the daemon ended by itself");
      if (performance.now() > deadline) throw new Error("the daemon does not start");
      await sleep(5);
    }
  }

  /** Ends it as a power cut would. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  /** Puts another policy in force. */
  async setPolicy(policy: object): Promise<void> {
    writeFileSync(join(this.#folder, "policy.json"), JSON.stringify(policy));
    this.#child?.kill("SIGHUP");
  }

  /** CPU time used so far, in ms, all threads. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child?.pid}/stat`, "utf8");
    const [utime, stime] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return ((Number(utime) + Number(stime)) * 1000) / ticksPerSecond;
  }

  /** Size of the log when it goes to a file. */
  logBytes(): number {
    return this.#log === "inherit" ? 0 : fstatSync(this.#log).size;
  }

  rssBytes(): number {
    return this.#memory("VmRSS");
  }

  /** The most since `forgetPeak`. */
  peakRssBytes(): number {
    return this.#memory("VmHWM");
  }

  /** proc_pid_clear_refs(5) */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.#child?.pid}/clear_refs`, "5");
  }

  #memory(field: "VmRSS" | "VmHWM"): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill(process.env.BENCH_NODE_OPTIONS ? "SIGTERM" : "SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, "127.0.0.1"), "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const openPolicy = { acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }] };

const relayMap = {
  Regions: { 900: { RegionID: 900, RegionCode: "bench", RegionName: "Bench", Nodes: [relay("900a"), relay("900b")] } },
};

function relay(Name: string) {
  return { Name, RegionID: 900, HostName: `${Name}.example.test` };
}

function configuration(folder: string, port: number) {
  return {
    server_url: `http://127.0.0.1:${port}`,
    listen_addr: `127.0.0.1:${port}`,
    metrics_listen_addr: "",
    data_dir: join(folder, "data"),
    unix_socket: join(folder, "admin.sock"),
    derp: { server: { enabled: false }, urls: [], paths: [join(folder, "derp.json")] },
    dns: { magic_dns: true, base_domain: "example.test", override_local_dns: false },
    policy: { mode: "file", path: join(folder, "policy.json") },
    limits: { connections_per_address: 20_000 },
    log: { level: "error" },
  };
}
