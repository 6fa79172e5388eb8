import { type Key, key, optional, type Reading } from "../key.ts";
import { durationBetween } from "../kind/duration.ts";
import { choice, flag, integer, path, secret, text } from "../kind/kind.ts";
import type { Place } from "../place.ts";
import type { Secret } from "../secret.ts";

const sslWords = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
/** libpq's `sslmode`. Source: PostgreSQL documentation, libpq-ssl, table "SSL Mode Descriptions". */
export type PostgresSslMode = (typeof sslWords)[number];
const sslMode = choice(sslWords, {
  false: "disable",
  no: "disable",
  "0": "disable",
  true: "require",
  yes: "require",
  "1": "require",
});

const wait = durationBetween("10ms", "1h");

export const databaseKeys = {
  "database.type": key(
    choice(["sqlite", "postgres"], { sqlite3: "sqlite" }),
    "sqlite",
    "sqlite for one server, postgres for several that share the work.",
  ),
  "database.debug": key(flag, "false", "Log every statement; needs log.level debug or trace."),
  "database.sqlite.path": optional(path, { derived: "./data/db.sqlite" }, "The database file."),
  "database.sqlite.write_ahead_log": key(
    flag,
    "true",
    "Keep SQLite's write-ahead log. Turn it off only on a network file system.",
  ),
  "database.sqlite.wal_autocheckpoint": key(
    integer(0, 2_147_483_647),
    "1000",
    "Pages in the log before it is folded into the database; 0: never by itself.",
  ),
  "database.sqlite.busy_timeout": key(
    wait,
    "5s",
    "How long another program, such as the sqlite3 shell, may hold the file.",
  ),
  "database.postgres.host": optional(
    text,
    { example: "localhost" },
    "Host name, address, or the folder of the server's unix socket.",
  ),
  "database.postgres.port": key(integer(1, 65_535), "5432", "Not used with a socket folder."),
  "database.postgres.name": optional(text, { example: "headscale" }, "Name of the database."),
  "database.postgres.user": optional(text, { example: "headscale" }, "Role to connect as."),
  "database.postgres.pass": optional(
    secret,
    { example: "written-by-the-environment" },
    "Its password. Better given as HEADSCALE_DATABASE_POSTGRES_PASS.",
  ),
  "database.postgres.ssl": key(
    sslMode,
    "false",
    "true (require), false (disable), or one of libpq's words: disable, allow, prefer, require, verify-ca, verify-full.",
  ),
  "database.postgres.max_open_conns": key(integer(1, 10_000), "10", "Connections at most, 3 or more are used."),
  "database.postgres.max_idle_conns": key(
    integer(0, 10_000),
    "10",
    "Connections kept for reading while there is nothing to do. Two more are always open: one writes, one listens.",
  ),
  "database.postgres.conn_max_idle_time_secs": key(
    integer(0, 31_536_000),
    "3600",
    "Seconds after which an idle connection is closed; 0: never.",
  ),
  "database.postgres.connect_timeout": key(wait, "10s", "For making a connection."),
  "database.postgres.query_timeout": key(wait, "60s", "For one statement, waiting for locks included."),
  "database.postgres.idle_in_transaction_timeout": key(
    wait,
    "10s",
    "How long a daemon that vanished can hold its locks.",
  ),
} satisfies Record<string, Key<unknown>>;

export interface SqliteConfig {
  readonly kind: "sqlite";
  readonly path: string;
  readonly writeAheadLog: boolean;
  readonly walAutocheckpointPages: number;
  readonly busyTimeoutMs: number;
  readonly logStatements: boolean;
}

export interface PostgresConfig {
  readonly kind: "postgres";
  /** Host name, address, or an absolute folder that holds the socket. */
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly ssl: PostgresSslMode;
  readonly maxConnections: number;
  readonly maxIdleConnections: number;
  /** 0: never closed. */
  readonly maxIdleMs: number;
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly idleInTransactionMs: number;
  readonly logStatements: boolean;
}

export type DatabaseConfig = SqliteConfig | PostgresConfig;

export function databaseSection(reading: Reading<typeof databaseKeys>, place: Place): DatabaseConfig {
  const { value } = reading;
  if (value["database.type"] === "postgres") return postgres(reading);
  return {
    kind: "sqlite",
    path: place.resolveOr(value["database.sqlite.path"], "db.sqlite"),
    writeAheadLog: value["database.sqlite.write_ahead_log"],
    walAutocheckpointPages: value["database.sqlite.wal_autocheckpoint"],
    busyTimeoutMs: value["database.sqlite.busy_timeout"],
    logStatements: value["database.debug"],
  };
}

function postgres({ value, remarks }: Reading<typeof databaseKeys>): PostgresConfig {
  for (const name of ["host", "name", "user"] as const) {
    if (value[`database.postgres.${name}`] === undefined) {
      remarks.refuse(`database.postgres.${name}`, "is missing: database.type postgres needs it");
    }
  }
  return {
    kind: "postgres",
    host: value["database.postgres.host"] ?? "",
    port: value["database.postgres.port"],
    name: value["database.postgres.name"] ?? "",
    user: value["database.postgres.user"] ?? "",
    password: value["database.postgres.pass"],
    ssl: value["database.postgres.ssl"],
    maxConnections: value["database.postgres.max_open_conns"],
    maxIdleConnections: value["database.postgres.max_idle_conns"],
    maxIdleMs: value["database.postgres.conn_max_idle_time_secs"] * 1000,
    connectTimeoutMs: value["database.postgres.connect_timeout"],
    queryTimeoutMs: value["database.postgres.query_timeout"],
    idleInTransactionMs: value["database.postgres.idle_in_transaction_timeout"],
    logStatements: value["database.debug"],
  };
}
