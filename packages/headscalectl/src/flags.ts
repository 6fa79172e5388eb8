import type { ArgumentsCamelCase, Argv, InferredOptionTypes, Options } from "yargs";
import { type OutputFormat, outputFormats } from "./output/output-format.ts";

/** Understood by every command, before or behind its name. */
export const globalOptions = {
  output: {
    alias: "o",
    choices: outputFormats,
    default: "table",
    // headscale's spelling of "for people" is the empty text.
    coerce: (given: string | readonly string[]) => (last(given) || "table") as OutputFormat,
    describe: "How to print the answer",
  },
  namespace: {
    ...text("Namespace (tailnet) to act on; the one called default if not given"),
    alias: ["n", "tailnet"],
  },
  force: yes("Do not ask before doing it"),
  address: text("Server: https://HOST[:PORT], HOST[:PORT], unix:///PATH"),
  "api-key": text("API key for that server"),
  config: text("Configuration file", "c"),
  timeout: text("How long to wait for the server [5s]"),
  insecure: maybe("Accept any certificate"),
  grpc: maybe("Speak gRPC over HTTP/2"),
} as const satisfies Record<string, Options>;

export type GlobalFlags = ArgumentsCamelCase<InferredOptionTypes<typeof globalOptions>>;

export const allNamespaces = {
  "all-namespaces": yes("In all namespaces", "A"),
} as const;

/** A flag that takes one text. */
export function text(describe: string, alias?: string) {
  return {
    type: "string",
    requiresArg: true,
    coerce: last<string>,
    describe,
    ...(alias !== undefined && { alias }),
  } as const;
}

/** A flag that is there or not. */
export function yes(describe: string, alias?: string) {
  return {
    type: "boolean",
    default: false,
    coerce: last<boolean>,
    describe,
    ...(alias !== undefined && { alias }),
  } as const;
}

/** A flag that is there, there as `--no-…`, or left open. */
export function maybe(describe: string, alias?: string) {
  return { type: "boolean", coerce: last<boolean>, describe, ...(alias !== undefined && { alias }) } as const;
}

/** A flag that takes texts: repeated, or separated by commas. One empty text is the empty list. */
export function texts(describe: string, alias?: string) {
  return {
    array: true,
    string: true,
    nargs: 1,
    describe,
    ...(alias !== undefined && { alias }),
    coerce: (values: readonly string[] | undefined) => values && splitList(values),
  } as const;
}

/** yargs makes lists of flags that are said twice; the last one counts. */
function last<T extends string | boolean>(given: T | readonly T[]): T {
  return typeof given === "object" ? (given.at(-1) as T) : given;
}

export function splitList(values: readonly string[]): string[] {
  return values
    .flatMap((value) => value.split(","))
    .map((value) => value.trim())
    .filter((value) => value !== "");
}

/** A builder of commands to which `main` has already given the global flags. */
export type Commands = Argv<InferredOptionTypes<typeof globalOptions>>;
