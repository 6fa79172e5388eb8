import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { missingRequirements } from "./requirements.ts";

const missing = missingRequirements();
if (missing.length > 0) {
  console.error(["The end-to-end tests cannot run here:", ...missing].join("\n  "));
  process.exit(1);
}

await import("./build.ts");

const root = join(import.meta.dirname, "../..");
const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "test/e2e/vitest.config.ts"];
const { status, error } = spawnSync(process.execPath, [...vitest, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
if (error) throw error;
process.exitCode = status ?? 1;
