import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { ImportError } from "../import-error.ts";
import { assertHeadscale, type Cells, type SourceTables, sourceTables } from "./source.ts";

const busyTimeoutMs = 5_000;

/** Reads a SQLite file of headscale's in one transaction. @throws {ImportError} */
export function readSqlite(path: string): SourceTables {
  if (!existsSync(path)) throw new ImportError("unreadable", `${path} does not exist`);
  try {
    using database = opened(path);
    database.connection.exec("begin");
    const names = tablesOf(database.connection);
    assertHeadscale(path, names);
    const wanted = sourceTables.filter((name) => names.includes(name));
    return new Map(
      wanted.map((name) => [
        name,
        database.connection.prepare(`select * from ${name} order by id`).all() as unknown as readonly Cells[],
      ]),
    );
  } catch (error) {
    if (error instanceof ImportError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImportError("unreadable", `${path} cannot be read as a SQLite database: ${reason}`, { cause: error });
  }
}

/** The names of all tables of a SQLite file; none when it is not one. */
export function sqliteTables(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  try {
    using database = opened(path);
    return tablesOf(database.connection);
  } catch {
    return [];
  }
}

function opened(path: string): { readonly connection: DatabaseSync } & Disposable {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  return { connection, [Symbol.dispose]: () => connection.close() };
}

function tablesOf(connection: DatabaseSync): readonly string[] {
  return connection
    .prepare("select name from sqlite_schema where type = 'table'")
    .all()
    .map(({ name }) => String(name));
}
