import { openPostgresStore, openSqliteStore, type Store } from "@headscale/store";
import type { DatabaseConfig, PostgresConfig, SqliteConfig } from "#config/section/database.ts";
import { statementRun } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** The one place that chooses a store; its statements are told where the configuration asks for it. @throws {StoreError} */
export function openStore(config: DatabaseConfig, telemetry?: Telemetry): Promise<Store> {
  const onStatement = config.logStatements && telemetry ? (sql: string) => statementRun(telemetry, sql) : undefined;
  return config.kind === "sqlite"
    ? openSqliteStore({ ...sqliteOptions(config), onStatement })
    : openPostgresStore({ ...postgresOptions(config), onStatement });
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
