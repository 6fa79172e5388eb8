import type { Client } from "pg";
import { type AppliedMigration, type Migration, migrationsTable, pendingMigrations } from "#migrations.ts";

/** Any number, the same in all daemons: those that start together take turns. */
const advisoryLock = 8_446_027_361;

/**
 * Brings the schema up to date in one transaction. Backups are the database's administrator's.
 * @throws {StoreError} "newer-schema", "foreign-database"
 */
export async function migrate(client: Client, place: string, known: readonly Migration[], now: Date): Promise<void> {
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock($1)", [advisoryLock]);
    const tables = await tablesOf(client);
    const applied = tables.includes(migrationsTable) ? await appliedTo(client) : undefined;
    const pending = pendingMigrations(known, { applied, tables }, place);
    await client.query(
      `create table if not exists ${migrationsTable} (id bigint primary key, tag text not null, applied_at bigint not null)`,
    );
    for (const { id, tag, statements } of pending) {
      for (const statement of statements) await client.query(statement);
      await client.query(`insert into ${migrationsTable} values ($1, $2, $3)`, [id, tag, now.getTime()]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

async function tablesOf(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query("select tablename from pg_tables where schemaname = 'public' order by tablename");
  return rows.map(({ tablename }) => String(tablename));
}

async function appliedTo(client: Client): Promise<readonly AppliedMigration[]> {
  const { rows } = await client.query(`select id, tag from ${migrationsTable} order by id`);
  return rows.map(({ id, tag }) => ({ id: Number(id), tag: String(tag) }));
}
