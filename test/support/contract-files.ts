import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DescFile } from "@bufbuild/protobuf";

const contract = join(import.meta.dirname, "../../gen/src/headscale/v1");

/** Every file of the contract, without a list that could fall behind. */
export async function contractFiles(): Promise<DescFile[]> {
  const names = (await readdir(contract, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  const loaded = await Promise.all(names.map((name) => import(join(contract, name))));
  return loaded.flatMap((module: Record<string, unknown>) =>
    Object.entries(module).flatMap(([name, value]) => (name.startsWith("file_headscale") ? [value as DescFile] : [])),
  );
}
