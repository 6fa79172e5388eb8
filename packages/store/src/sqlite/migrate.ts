import type { DatabaseSync } from "node:sqlite";
import { type AppliedMigration, type Migration, migrationsTable, pendingMigrations } from "#migrations.ts";
import { backUp } from "./backup.ts";

/**
 * Brings the schema up to date in one transaction, after a backup if there is anything to lose.
 * @throws {StoreError} "newer-schema", "foreign-database"
 */
export function migrate(database: DatabaseSync, path: string, known: readonly Migration[], now: Date): void {
  const found = { applied: appliedTo(database), tables: tablesOf(database) };
  const pending = pendingMigrations(known, found, path);
  if (pending.length === 0) return;
  if (found.applied && path !== ":memory:") backUp(database, path, found.applied.length, now);
  // Off while tables are rebuilt, or dropping the old one would take its rows' dependants along; checked at the end.
  database.exec("pragma foreign_keys = off; begin immediate");
  try {
    database.exec(
      `create table if not exists ${migrationsTable} (id integer primary key, tag text not null, applied_at integer not null)`,
    );
    const remember = database.prepare(`insert into ${migrationsTable} (id, tag, applied_at) values (?, ?, ?)`);
    for (const { id, tag, statements } of pending) {
      for (const statement of statements) database.exec(statement);
      remember.run(id, tag, now.getTime());
    }
    if (database.prepare("pragma foreign_key_check").get()) throw new Error("a row refers to one that is not there");
    database.exec("commit");
  } catch (error) {
    database.exec("rollback");
    throw error;
  }
}

function appliedTo(database: DatabaseSync): readonly AppliedMigration[] | undefined {
  const table = database.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(migrationsTable);
  if (!table) return undefined;
  const rows = database.prepare(`select id, tag from ${migrationsTable} order by id`).all();
  return rows as unknown as readonly AppliedMigration[];
}

/** Without SQLite's own and those of Litestream, which replicates databases of any program. */
function tablesOf(database: DatabaseSync): readonly string[] {
  const rows = database
    .prepare(
      "select name from sqlite_schema where type = 'table' and name not glob 'sqlite_*' and name not glob '_litestream_*'",
    )
    .all();
  return rows.map(({ name }) => String(name));
}
