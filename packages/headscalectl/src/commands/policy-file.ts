import { readFile } from "node:fs/promises";
import { CliError } from "#failure.ts";
import { text } from "#flags.ts";

const maxBytes = 4 << 20;

export const file = { file: text("HuJSON file; - is standard input", "f") } as const;

/** A policy's text from a file or, for `-`, from standard input. @throws {CliError} usage, naming the file. */
export async function policyText(path: string, stdin: NodeJS.ReadableStream): Promise<string> {
  if (path === "") throw new CliError("usage", "--file: say which");
  const text = path === "-" ? await readInput(stdin) : await readPath(path);
  if (text.length > maxBytes) throw new CliError("usage", `${path}: larger than ${maxBytes} bytes`);
  return text;
}

async function readPath(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CliError("usage", `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

async function readInput(stdin: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > maxBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Runs a call about the text of a file; places in a refusal (`policy:3:12:`) get the name of the file. */
export async function placedIn<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const name = path === "-" ? "standard input" : path;
    const message = error.message.replace(/^policy:(?=\d+:\d+: )/gm, () => `${name}:`);
    throw new CliError(error.kind, message, { cause: error });
  }
}
