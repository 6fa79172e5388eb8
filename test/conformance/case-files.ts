import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PolicyCase } from "./policy-case.ts";

/** Where the cases lie next to a checkout. */
export const defaultCaseDirectory = join(import.meta.dirname, "../../../shared/conformance/policy");

/** Cases of every `*.jsonl` of a directory, by file name. */
export function readCaseFiles(directory: string): Map<string, PolicyCase[]> {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(".jsonl"))
    .sort();
  return new Map(names.map((name) => [name, readCases(join(directory, name))]));
}

function readCases(path: string): PolicyCase[] {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines.map((line) => JSON.parse(line) as PolicyCase);
}
