import { openPostgresStore, openSqliteStore, type Store } from "@headscale/store";
import type { DatabaseConfig, PostgresConfig, SqliteConfig } from "#config/section/database.ts";

/** The one place that chooses a store. @throws {StoreError} */
export function openStore(config: DatabaseConfig): Promise<Store> {
  return config.kind === "sqlite" ? openSqliteStore(sqliteOptions(config)) : openPostgresStore(postgresOptions(config));
}

function sqliteOptions({
  path,
  writeAheadLog,
  walAutocheckpointPages,
}: SqliteConfig): Parameters<typeof openSqliteStore>[0] {
  return { path, writeAheadLog, walAutocheckpointPages };
}

function postgresOptions(config: PostgresConfig): Parameters<typeof openPostgresStore>[0] {
  const { host, port, name, user, password, ssl, maxConnections, maxIdleMs } = config;
  return {
    host,
    port,
    database: name,
    user,
    ...(password && { password: password.reveal() }),
    ssl,
    maxConnections,
    maxIdleMs,
  };
}
