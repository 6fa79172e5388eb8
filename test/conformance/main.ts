import { existsSync } from "node:fs";
import { defaultCaseDirectory, readCaseFiles } from "./case-files.ts";
import type { PolicyCase } from "./policy-case.ts";
import { runCase } from "./run-case.ts";

/** Runs every recorded case: `npm run conformance -- DIR`. Exit status 1 unless all pass and there was at least one. */
function main(directory: string): number {
  if (!existsSync(directory)) {
    console.error(`no such directory: ${directory}`);
    return 1;
  }
  let passed = 0;
  let total = 0;
  for (const [file, cases] of readCaseFiles(directory)) {
    const failures = cases
      .map((recorded) => ({ id: recorded.id, lines: outcome(recorded) }))
      .filter(({ lines }) => lines.length > 0);
    for (const { id, lines } of failures) console.error(`${id}: ${lines.join("\n  ")}`);
    console.log(`${file}: ${cases.length - failures.length} of ${cases.length}`);
    passed += cases.length - failures.length;
    total += cases.length;
  }
  if (total === 0) console.error(`no cases in ${directory}`);
  console.log(`${passed} of ${total}`);
  return total > 0 && passed === total ? 0 : 1;
}

/** A case that breaks the engine is a failure like any other, and must not hide the rest. */
function outcome(recorded: PolicyCase): string[] {
  try {
    return runCase(recorded);
  } catch (error) {
    return [`crashed: ${error instanceof Error ? error.message : error}`];
  }
}

process.exitCode = main(process.argv[2] ?? defaultCaseDirectory);
