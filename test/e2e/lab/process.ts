import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export type Command = readonly [program: string, ...args: string[]];

/** How a program ended. `code` is null when a signal ended it. */
export interface Outcome {
  readonly command: Command;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The whole environment; this process's own when absent. */
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** The program and all its children are killed when it passes. */
  readonly deadlineMs?: number;
  /** Called with everything standard output and standard error have said so far. */
  readonly onOutput?: (soFar: string) => void;
}

/** Runs a program to its end. A failing exit status is an answer here, not an error. */
export async function run(command: Command, options: RunOptions = {}): Promise<Outcome> {
  const { env, stdin, deadlineMs = 60_000, onOutput } = options;
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: "pipe", ...(env && { env }) });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      onOutput?.(output.stdout + output.stderr);
    });
  }
  // A program that never reads its input closes it; that is no failure of ours.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killTree(child.pid);
  }, deadlineMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    if (late) throw new Error(`${describe(command)} did not end within ${deadlineMs} ms:\n${text(output)}`);
    return { command, code, ...output };
  } finally {
    clearTimeout(timer);
  }
}

/** Standard output of a program that has to succeed. */
export async function outputOf(command: Command, options?: RunOptions): Promise<string> {
  return succeeded(await run(command, options)).stdout;
}

/** @throws {Error} with everything the program said, unless it ended with 0. */
export function succeeded(outcome: Outcome): Outcome {
  if (outcome.code !== 0) {
    throw new Error(`${describe(outcome.command)} ended with ${outcome.code}:\n${text(outcome)}`);
  }
  return outcome;
}

function describe(command: Command): string {
  return command.join(" ");
}

function text(output: { stdout: string; stderr: string }): string {
  return [output.stdout, output.stderr].filter(Boolean).join("\n");
}

/** The direct children of a process: `unshare` and `nsenter` fork, and what they run is their child. */
export function childrenOf(pid: number): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return list.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killTree(pid: number | undefined): void {
  if (pid === undefined) return;
  const children = childrenOf(pid);
  signalProcess(pid, "SIGKILL");
  for (const child of children) killTree(child);
}

/** Sends a signal; a process that is already gone is fine. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export async function ended(child: ChildProcess): Promise<void> {
  if (!hasEnded(child)) await new Promise((resolve) => child.once("exit", resolve));
}
