import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { readBuildInfo } from "#assembly/build-info.ts";
import { ConfigError } from "#config/config-error.ts";
import { loadConfig } from "#config/load-config.ts";
import type { ParsedConfig } from "#config/parse-config.ts";
import { configReference } from "#config/reference.ts";
import type { ImportRequest } from "#takeover/import-database.ts";
import * as events from "#telemetry/events.ts";
import { createLogger } from "#telemetry/logger.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import { administrative, readArguments, usage, type Values } from "./arguments.ts";
import type { Daemon } from "./daemon.ts";

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals, wrong } = readArguments(args);
  if (administrative.has(positionals[0] ?? "")) {
    const command = `headscalectl ${positionals.slice(0, 2).join(" ")}`;
    process.stderr.write(`headscale: this is done with headscalectl, in the same words: ${command}\n`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (wrong !== undefined) {
    process.stderr.write(`headscale: ${wrong}\n\n${usage}`);
    return 2;
  }
  return run(values.version ? "version" : positionals.join(" ") || "serve", values);
}

async function run(command: string, values: Values): Promise<number> {
  switch (command) {
    case "serve":
      return serve(values.config);
    case "import":
      return takeOver(values.config, {
        from: values.from,
        noiseKey: values["noise-key"],
        dryRun: values["dry-run"] ?? false,
      });
    case "configtest":
      return configTest(values.config);
    case "generate config":
      process.stdout.write(configReference());
      return 0;
    case "generate private-key":
      process.stdout.write(`${new PrivateKey(randomBytes(32)).toFileText()}\n`);
      return 0;
    case "version":
      process.stdout.write(`headscale version ${readBuildInfo().version}\n`);
      return 0;
    default:
      process.stderr.write(`headscale: there is no command "${command}"\n\n${usage}`);
      return 2;
  }
}

function load(file: string | undefined): ParsedConfig {
  return loadConfig(file === undefined ? {} : { file });
}

async function takeOver(file: string | undefined, request: ImportRequest): Promise<number> {
  const { config } = load(file);
  const { importDatabase } = await import("#takeover/import-database.ts");
  const { importSummary } = await import("#takeover/import-summary.ts");
  process.stdout.write(importSummary(await importDatabase(config, request), request.dryRun));
  return 0;
}

/** Says all that is wrong and all that is remarkable, in one go. */
async function configTest(file: string | undefined): Promise<number> {
  const parsed = load(file);
  const { testConfig } = await import("#assembly/config-test.ts");
  const { mistakes, warnings } = await testConfig(parsed.config);
  for (const { key, says } of [...parsed.warnings, ...warnings]) process.stderr.write(`Warning: ${key}: ${says}\n`);
  for (const { key, says } of parsed.notes) process.stderr.write(`Note: ${key}: ${says}\n`);
  if (mistakes.length > 0) throw new ConfigError("invalid", mistakes);
  process.stdout.write(`The configuration is valid (${parsed.config.file ?? "no file, all defaults"}).\n`);
  return 0;
}

async function serve(file: string | undefined): Promise<number> {
  const { config, warnings, notes } = load(file);
  using telemetry = createTelemetry(
    createLogger({ ...config.log, maxValueChars: config.limits.log_value }),
    config.limits.metric_series,
  );
  for (const { key, says } of warnings) events.configurationRemark(telemetry, "warn", key, says);
  for (const { key, says } of notes) events.configurationRemark(telemetry, "info", key, says);
  const { startDaemon } = await readDaemon();
  // Heard from now on: otherwise a reload that comes while the server starts would end it.
  let started: Daemon | undefined;
  process.on("SIGHUP", () => void started?.reload());
  const daemon = await startDaemon(config, telemetry);
  started = daemon;
  process.stdout.write(`${daemon.banner}\n`);
  const why = await stopSignal(daemon);
  events.daemonStopping(telemetry, why);
  await daemon[Symbol.asyncDispose]();
  return 0;
}

/**
 * The rest of the server is only read by who serves: the other commands answer at once. Reading it leaves 100 MB of garbage
 * behind, package manifests for the most part; V8's young generation would grow to hold it and never shrink again.
 */
async function readDaemon(): Promise<typeof import("./daemon.ts")> {
  setFlagsFromString("--semi-space-growth-factor=1");
  try {
    return await import("./daemon.ts");
  } finally {
    setFlagsFromString("--semi-space-growth-factor=2");
  }
}

/** Resolves at the first signal to stop; the second one ends whatever the stop still waits for. */
function stopSignal(daemon: Daemon): Promise<string> {
  return new Promise((resolve) => {
    let stopping = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) {
      process.on(signal, () => {
        if (stopping) void daemon.kill().finally(() => process.exit(1));
        stopping = true;
        resolve(signal);
      });
    }
  });
}

/** The sentence for a person; the cause behind it for who has to mend it. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `headscale: ${message}${cause}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
}
