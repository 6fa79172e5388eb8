import { StoreError, type StoreErrorCode } from "#store-error.ts";

/** Primary result codes. Source: sqlite.org/rescode.html. */
const primaryCodes: Readonly<Record<number, readonly [StoreErrorCode, string]>> = {
  5: ["unavailable", "the database file is locked by another program"],
  8: ["unavailable", "the database file cannot be written to"],
  10: ["unavailable", "the disk fails"],
  11: ["corrupt", "the database file is damaged"],
  13: ["unavailable", "the disk is full"],
  14: ["unavailable", "the database file cannot be opened"],
  19: ["conflict", "another row has this already, or a row that it refers to is gone"],
  26: ["corrupt", "the file is not a database"],
};

/** What SQLite refuses, in the store's words. Its own text names tables and columns, not values. */
export function sqliteFailure(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { errcode, message = String(error) } = error as { errcode?: number; message?: string };
  if (message.includes("revisions_in_step")) {
    return new StoreError("stale-revision", "another change was first", { cause: error });
  }
  const known = errcode === undefined ? undefined : primaryCodes[errcode & 0xff];
  if (known) return new StoreError(known[0], `${known[1]} (${message})`, { cause: error });
  return new StoreError("unavailable", `the database fails: ${message}`, { cause: error });
}
