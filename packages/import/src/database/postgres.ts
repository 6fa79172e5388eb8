import { Client } from "pg";
import { ImportError } from "../import-error.ts";
import { assertHeadscale, type Cells, type SourceTables, sourceTables } from "./source.ts";

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 60_000;

/**
 * Reads a PostgreSQL database of headscale's in one transaction. `url` is a `postgres://` URL; what it leaves out comes
 * from libpq's variables, `PGPASSWORD` among them. @throws {ImportError} that never quotes the URL
 */
export async function readPostgres(url: string): Promise<SourceTables> {
  const place = placeOf(url);
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    application_name: "headscale import",
  });
  // Without a listener a connection that breaks later would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("begin isolation level repeatable read read only");
    const { rows } = await client.query("select tablename from pg_tables where schemaname = current_schema()");
    const names = rows.map(({ tablename }) => String(tablename));
    assertHeadscale(place, names);
    const tables = new Map<string, readonly Cells[]>();
    for (const name of sourceTables) {
      if (!names.includes(name)) continue;
      const found = await client.query<Cells>(`select * from ${name} order by id`);
      tables.set(name, found.rows);
    }
    return tables;
  } catch (error) {
    if (error instanceof ImportError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImportError("unreadable", `${place} cannot be read: ${reason}`, { cause: error });
  } finally {
    await client.end().catch(() => {});
  }
}

/** Host and name of the database, without the credentials. @throws {ImportError} */
function placeOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "postgres:" && parsed?.protocol !== "postgresql:") {
    throw new ImportError("unreadable", "not a URL of a PostgreSQL database: write postgres://USER@HOST/NAME");
  }
  return `the database ${parsed.pathname.slice(1) || parsed.username} at ${parsed.host || "the local socket"}`;
}
