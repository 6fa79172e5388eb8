import type { Store } from "#contract.ts";
import { SqlStore } from "#sql-store.ts";
import { type StatementListener, traced } from "#traced-database.ts";
import { type PostgresAddress, settleConnection } from "./connector.ts";
import { type PoolSize, PostgresDatabase } from "./postgres-database.ts";
import { PostgresReplicas } from "./replicas.ts";

export interface PostgresStoreOptions extends PostgresAddress, Partial<PoolSize> {
  readonly onStatement?: StatementListener | undefined;
}

const defaultPool: PoolSize = { maxConnections: 10, maxIdleConnections: 10, maxIdleMs: 3_600_000 };

/**
 * Connects to a PostgreSQL database, which several daemons may share, and brings its schema up to date.
 * @throws {StoreError} "unavailable", "newer-schema", "foreign-database"
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { maxConnections, maxIdleConnections, maxIdleMs, onStatement, ...address } = options;
  const pool = {
    maxConnections: maxConnections ?? defaultPool.maxConnections,
    maxIdleConnections: maxIdleConnections ?? defaultPool.maxIdleConnections,
    maxIdleMs: maxIdleMs ?? defaultPool.maxIdleMs,
  };
  const database = new PostgresDatabase(await settleConnection(address), pool);
  try {
    await database.prepare();
    return new SqlStore(traced(database, onStatement), new PostgresReplicas(database));
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}
