import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { hashSync } from "bcryptjs";
import postgres from "postgres";
import type { PostgresDatabase } from "./postgres.ts";

type Kind = "id" | "text" | "flag" | "bytes" | "time" | "number";

/** Tables of headscale v0.29.2, as far as they hold anything. Source: its hscontrol/db/schema.sql and types/*.go. */
const tables = {
  migrations: { id: "text" },
  users: { id: "id", name: "text", email: "text", provider_identifier: "text", provider: "text", created_at: "time" },
  pre_auth_keys: {
    id: "id",
    key: "text",
    prefix: "text",
    hash: "bytes",
    user_id: "number",
    reusable: "flag",
    ephemeral: "flag",
    used: "flag",
    tags: "text",
    expiration: "time",
    created_at: "time",
  },
  api_keys: { id: "id", prefix: "text", hash: "bytes", expiration: "time", last_seen: "time", created_at: "time" },
  nodes: {
    id: "id",
    machine_key: "text",
    node_key: "text",
    disco_key: "text",
    endpoints: "text",
    host_info: "text",
    ipv4: "text",
    ipv6: "text",
    hostname: "text",
    given_name: "text",
    user_id: "number",
    register_method: "text",
    tags: "text",
    auth_key_id: "number",
    last_seen: "time",
    expiry: "time",
    approved_routes: "text",
    created_at: "time",
    deleted_at: "time",
  },
  policies: { id: "id", data: "text", created_at: "time", deleted_at: "time" },
  database_versions: { id: "id", version: "text", updated_at: "time" },
} as const satisfies Record<string, Record<string, Kind>>;

const types: Readonly<Record<"sqlite" | "postgres", Readonly<Record<Kind, string>>>> = {
  sqlite: {
    id: "integer primary key autoincrement",
    text: "text",
    flag: "numeric",
    bytes: "blob",
    time: "datetime",
    number: "integer",
  },
  postgres: {
    id: "bigserial primary key",
    text: "text",
    flag: "boolean",
    bytes: "bytea",
    time: "timestamptz",
    number: "bigint",
  },
};

export type OldRows = { readonly [T in keyof typeof tables]?: readonly Readonly<Record<string, unknown>>[] };

/** Writes a SQLite file as headscale 0.29 leaves it behind. */
export function writeHeadscaleFile(path: string, rows: OldRows): void {
  const connection = new DatabaseSync(path);
  for (const statement of schema("sqlite")) connection.exec(statement);
  for (const [table, row] of entries(rows)) {
    const columns = Object.keys(row);
    const marks = columns.map(() => "?").join(", ");
    const values = Object.values(row).map((value) => (typeof value === "boolean" ? Number(value) : value));
    connection.prepare(`insert into ${table} (${columns.join(", ")}) values (${marks})`).run(...(values as string[]));
  }
  connection.close();
}

/** Writes an empty PostgreSQL database as headscale 0.29 leaves it behind. */
export async function writeHeadscalePostgres({ url }: PostgresDatabase, rows: OldRows): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    for (const statement of schema("postgres")) await sql.unsafe(statement);
    for (const [table, row] of entries(rows)) await sql`insert into ${sql(table)} ${sql(row as never)}`;
  } finally {
    await sql.end();
  }
}

function schema(dialect: "sqlite" | "postgres"): readonly string[] {
  return Object.entries(tables).map(([table, columns]) => {
    const list = Object.entries(columns).map(([column, kind]) => `${column} ${types[dialect][kind]}`);
    return `create table ${table} (${list.join(", ")})`;
  });
}

function entries(rows: OldRows): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  return Object.entries(rows).flatMap(([table, list]) => list.map((row) => [table, row] as const));
}

/** A secret as headscale keeps it, with less work than its ten rounds. */
export function bcryptOf(secret: string): Buffer {
  return Buffer.from(hashSync(secret, 4));
}

/** Made up, the same every time: `length` characters of base64url. */
export function madeUp(name: string, length: number): string {
  const digest = [0, 1].map((n) => createHash("sha256").update(`${name} ${n}`).digest("base64url")).join("");
  return digest.slice(0, length);
}
