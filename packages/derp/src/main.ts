#!/usr/bin/env node
import { OptionError, parseOptions, USAGE } from "./standalone/options.ts";
import { startStandalone } from "./standalone/standalone.ts";

const RECONNECT_MS = 1_000;
const TRY_FOR_MS = 60_000;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return;
  }
  const standalone = await startStandalone(parseOptions(args), ({ kind, key, sourceAddress, error }) => {
    if (kind === "end" && error?.code !== "disconnected")
      console.error(`${sourceAddress} ${key ?? "-"}: ${error?.message}`);
  });
  console.log(JSON.stringify(standalone.node));
  const stop = async () => {
    standalone.relay.notifyRestarting(RECONNECT_MS, TRY_FOR_MS);
    await standalone[Symbol.asyncDispose]();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
  process.on("SIGHUP", () => {
    try {
      standalone.reload();
    } catch (error) {
      console.error(`not reloaded: ${(error as Error).message}`);
    }
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof OptionError ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}
