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
  busyTimeoutMs,
}: SqliteConfig): Parameters<typeof openSqliteStore>[0] {
  return { path, writeAheadLog, walAutocheckpointPages, busyTimeoutMs };
}

function postgresOptions(config: PostgresConfig): Parameters<typeof openPostgresStore>[0] {
  const { kind: _kind, logStatements: _logged, name, password, ...same } = config;
  return {
    ...same,
    database: name,
    ...(password && { password: password.reveal() }),
  };
}
