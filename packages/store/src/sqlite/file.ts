import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readMigrations } from "#migrations.ts";
import { StoreError } from "#store-error.ts";
import { sqliteFailure } from "./failure.ts";
import { migrate } from "./migrate.ts";

export interface SqliteFileOptions {
  /** A path, or `:memory:`. */
  readonly path: string;
  /** Off only for network file systems. */
  readonly writeAheadLog: boolean;
  /** Pages in the log before it is folded into the database; 0: never by itself. */
  readonly walAutocheckpointPages: number;
  /** How long another program, such as the sqlite3 shell, may hold the file before we give up. */
  readonly busyTimeoutMs: number;
  /** For reading alone: another connection of this process has opened the file and keeps it. */
  readonly readOnly: boolean;
}

const migrationsFolder = new URL("./migrations/", import.meta.url);

/** An open database whose schema is up to date. */
export class SqliteFile implements Disposable {
  readonly connection: DatabaseSync;
  readonly #lock: DatabaseSync | undefined;

  private constructor(connection: DatabaseSync, lock: DatabaseSync | undefined) {
    this.connection = connection;
    this.#lock = lock;
  }

  /** @throws {StoreError} */
  static open(options: SqliteFileOptions): SqliteFile {
    const path = options.path === ":memory:" ? options.path : resolve(options.path);
    const owned = path !== ":memory:" && !options.readOnly;
    if (owned) createPrivately(path);
    const lock = owned ? takeLock(path) : undefined;
    let connection: DatabaseSync | undefined;
    try {
      connection = new DatabaseSync(path, { readOnly: options.readOnly, timeout: options.busyTimeoutMs });
      if (!options.readOnly) {
        // Refuses what is not ours before anything of it is changed.
        migrate(connection, path, readMigrations(migrationsFolder), new Date());
        connection.exec(`pragma journal_mode = ${options.writeAheadLog ? "wal" : "delete"}`);
        connection.exec(`pragma wal_autocheckpoint = ${options.walAutocheckpointPages}`);
      }
      // fullfsync concerns macOS alone, where fsync does not reach the platter.
      connection.exec(
        "pragma foreign_keys = on; pragma synchronous = full; pragma fullfsync = on; pragma trusted_schema = off; pragma temp_store = memory",
      );
      return new SqliteFile(connection, lock);
    } catch (error) {
      connection?.close();
      lock?.close();
      throw named(path, sqliteFailure(error));
    }
  }

  [Symbol.dispose](): void {
    this.connection.close();
    this.#lock?.close();
  }
}

/** Secrets live in it, as hashes and as private keys of certificates: the owner's alone. */
function createPrivately(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError("unavailable", `the database ${path} cannot be opened or made: ${reason}`, { cause: error });
  }
}

/**
 * Node has no flock, but SQLite locks files: an open exclusive transaction on an empty second file keeps other daemons
 * out and ends with the process, however it ends. The database itself stays open to shells and backup programs.
 */
function takeLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`;
  createPrivately(lockPath);
  const lock = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    lock.exec("begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    const failure = sqliteFailure(error);
    if ((error as { errcode?: number }).errcode !== 5) throw named(lockPath, failure);
    throw new StoreError("locked", `the database ${path} is in use by another headscale: stop that one first`, {
      cause: error,
    });
  }
}

function named(path: string, failure: StoreError): StoreError {
  if (failure.message.includes(path)) return failure;
  return new StoreError(failure.code, `${path}: ${failure.message}`, { cause: failure });
}
