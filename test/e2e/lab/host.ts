import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { programPath } from "../requirements.ts";
import {
  type Command,
  childrenOf,
  ended,
  hasEnded,
  type Outcome,
  outputOf,
  type RunOptions,
  run,
  signalProcess,
} from "./process.ts";
import { until } from "./until.ts";

/**
 * A host has its own network, process ids, /etc, /run and /var/lib. The overlay's upper layer lies on a tmpfs, because an overlay
 * (a container's root) cannot hold one. `cat` keeps the namespaces: they are gone when its input closes, which happens at the
 * latest when this process ends, however it ends.
 */
const boot = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
ip link set lo up
echo ready
exec cat`;

/** A daemon on a host: signals reach the program itself, not the `nsenter` that brought it there. */
export interface Daemon {
  readonly log: string;
  /** Whether the program still runs. */
  readonly alive: () => boolean;
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly exited: () => Promise<void>;
}

/** A machine of the lab: anonymous network, mount and process namespaces, seen from outside by `pid`. */
export class Host implements AsyncDisposable {
  readonly name: string;
  /** A folder outside the host's own mounts, for logs, state and sockets. */
  readonly directory: string;
  /** The process that the host's namespaces can be entered by. */
  readonly pid: number;
  readonly #unshare: ChildProcess;

  private constructor(name: string, directory: string, unshare: ChildProcess, pid: number) {
    this.name = name;
    this.directory = directory;
    this.#unshare = unshare;
    this.pid = pid;
  }

  static async boot(name: string, directory: string): Promise<Host> {
    const mounts = join(directory, "mounts");
    mkdirSync(mounts, { recursive: true });
    const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"];
    const child = spawn("unshare", [...namespaces, "sh", "-c", boot, "sh", mounts], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, PATH: programPath },
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`host ${name} did not come up: ${complaint}`)));
      child.stdout.once("data", () => resolve());
    });
    const [pid] = childrenOf(child.pid ?? 0);
    if (pid === undefined) throw new Error(`host ${name} did not come up: ${complaint}`);
    return new Host(name, directory, child, pid);
  }

  /** Nothing of the machine's: a proxy or a certificate store named there would change what programs here do. */
  get #environment(): NodeJS.ProcessEnv {
    return { PATH: programPath, HOME: this.directory, LANG: "C.UTF-8" };
  }

  #inside(command: Command): Command {
    return ["nsenter", "-t", String(this.pid), "-n", "-m", "-p", "--", ...command];
  }

  run(command: Command, options: RunOptions = {}): Promise<Outcome> {
    return run(this.#inside(command), { env: this.#environment, ...options });
  }

  /** Standard output of a shell script that has to succeed. */
  shell(script: string): Promise<string> {
    return outputOf(this.#inside(["sh", "-ec", script]), { env: this.#environment });
  }

  /** Starts a program that stays, its output appended to `<directory>/<log>`. */
  async daemon(command: Command, log: string, env: NodeJS.ProcessEnv): Promise<Daemon> {
    const path = join(this.directory, log);
    const file = openSync(path, "a");
    const [program, ...args] = this.#inside(command);
    const entered = spawn(program, args, { stdio: ["ignore", file, file], env });
    closeSync(file);
    const startPid = entered.pid ?? 0;
    const pid = await until({
      what: `${command[0]} to start on ${this.name}`,
      withinMs: 10_000,
      probe: () => hasEnded(entered) || childrenOf(startPid)[0],
      evidence: () => tail(path),
    });
    if (pid === true) throw new Error(`${command[0]} ended at once on ${this.name}:\n${tail(path)}`);
    return {
      log: path,
      alive: () => !hasEnded(entered),
      signal: (signal) => {
        signalProcess(pid, signal);
        // nsenter stops itself along with its child, and would never report the child's end.
        if (signal === "SIGCONT") signalProcess(startPid, signal);
      },
      exited: () => ended(entered),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unshare.stdin?.end();
    await ended(this.#unshare);
  }
}

/** The last lines of a log, or nothing when there is no such log. */
export function tail(path: string, lines = 25): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "";
  }
}
