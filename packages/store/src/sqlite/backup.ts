import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

const keptBackups = 5;

/**
 * Copies the database beside itself as `NAME.backup-VERSION-TIME`, durable on return, and removes all but the newest
 * few copies. Returns the path of the copy.
 */
export function backUp(database: DatabaseSync, path: string, version: number, now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const copy = `${path}.backup-${version}-${time}`;
  // SQLite fills an empty file, and would make a new one readable by everybody.
  closeSync(openSync(copy, "wx", 0o600));
  database.prepare("vacuum into ?").run(copy);
  chmodSync(copy, 0o600);
  // VACUUM INTO does not wait for the disk. Source: sqlite.org/lang_vacuum.html.
  sync(copy);
  sync(dirname(path));
  for (const old of backupsOf(path).slice(0, -keptBackups)) rmSync(old);
  return copy;
}

/** Oldest first. */
export function backupsOf(path: string): readonly string[] {
  const form = /\.backup-\d+-(\d{8}T\d{6}Z)$/;
  const timeOf = (name: string) => form.exec(name)?.[1] ?? "";
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.backup-`) && form.test(name))
    .sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))
    .map((name) => join(dirname(path), name));
}

function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
