import type { Store } from "#contract.ts";
import { SqlStore } from "#sql-store.ts";
import { type StatementListener, traced } from "#traced-database.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

export interface SqliteStoreOptions {
  /** The file, made when missing together with its folder; `:memory:` for one that ends with the process. */
  readonly path: string;
  /** True when absent. Off only for network file systems. */
  readonly writeAheadLog?: boolean;
  /** 1000 when absent; 0: the log is never folded into the database by itself. */
  readonly walAutocheckpointPages?: number;
  /** How long another program may hold the file; 5 s when absent. */
  readonly busyTimeoutMs?: number;
  readonly onStatement?: StatementListener | undefined;
}

/**
 * Opens an embedded database and brings its schema up to date, after a backup beside it.
 * @throws {StoreError} "locked", "newer-schema", "foreign-database", "unavailable", "corrupt"
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, writeAheadLog = true, walAutocheckpointPages = 1000, busyTimeoutMs = 5_000, onStatement } = options;
  const database = await SqliteDatabase.open({
    path,
    writeAheadLog,
    walAutocheckpointPages,
    busyTimeoutMs,
    readOnly: false,
  });
  return new SqlStore(traced(database, onStatement));
}
