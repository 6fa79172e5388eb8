import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The shapes that headscale's tables had; columns and their order as its own migrations leave them. */
export type Era = "0.22" | "0.25" | "0.26" | "0.29";

const gormTimes = "created_at datetime, updated_at datetime, deleted_at datetime";

/** Source: headscale v0.22.3 hscontrol/*.go, v0.25.1 hscontrol/types/*.go, v0.26.1 and v0.29.2 hscontrol/db/schema.sql. */
const schemas: Readonly<Record<Era, readonly string[]>> = {
  "0.22": [
    `create table users (id integer primary key autoincrement, ${gormTimes}, name text unique)`,
    "create table machines (id integer primary key autoincrement, machine_key varchar(64), node_key text, disco_key text, ip_addresses text, hostname text, given_name varchar(63), user_id integer, register_method text, forced_tags text, auth_key_id integer, last_seen datetime, last_successful_update datetime, expiry datetime, host_info text, endpoints text, created_at datetime, updated_at datetime, deleted_at datetime)",
    `create table routes (id integer primary key autoincrement, ${gormTimes}, machine_id integer, prefix text, advertised numeric, enabled numeric, is_primary numeric)`,
    "create table pre_auth_keys (id integer primary key autoincrement, key text, user_id integer, reusable numeric, ephemeral numeric default false, used numeric default false, created_at datetime, expiration datetime)",
    "create table pre_auth_key_acl_tags (id integer primary key autoincrement, pre_auth_key_id integer, tag text)",
    "create table api_keys (id integer primary key autoincrement, prefix text, hash blob, created_at datetime, expiration datetime, last_seen datetime)",
    "create table kvs (key text, value text)",
  ],
  "0.25": [
    "create table migrations (id text primary key)",
    `create table users (id integer primary key autoincrement, ${gormTimes}, name text, display_name text, email text, provider_identifier text, provider text, profile_pic_url text)`,
    "create table nodes (id integer primary key autoincrement, machine_key text, node_key text, disco_key text, endpoints text, host_info text, ipv4 text, ipv6 text, hostname text, given_name varchar(63), user_id integer, register_method text, forced_tags text, auth_key_id integer, last_seen datetime, expiry datetime, created_at datetime, updated_at datetime, deleted_at datetime)",
    `create table routes (id integer primary key autoincrement, ${gormTimes}, node_id integer not null, prefix text, advertised numeric, enabled numeric, is_primary numeric)`,
    "create table pre_auth_keys (id integer primary key autoincrement, key text, user_id integer, reusable numeric, ephemeral numeric default false, used numeric default false, tags text, created_at datetime, expiration datetime)",
    "create table api_keys (id integer primary key autoincrement, prefix text, hash blob, created_at datetime, expiration datetime, last_seen datetime)",
    `create table policies (id integer primary key autoincrement, ${gormTimes}, data text)`,
  ],
  "0.26": [
    "create table migrations (id text primary key)",
    `create table users (id integer primary key autoincrement, ${gormTimes}, name text, display_name text, email text, provider_identifier text, provider text, profile_pic_url text)`,
    "create table nodes (id integer primary key autoincrement, machine_key text, node_key text, disco_key text, endpoints text, host_info text, ipv4 text, ipv6 text, hostname text, given_name varchar(63), user_id integer, register_method text, forced_tags text, auth_key_id integer, expiry datetime, last_seen datetime, approved_routes text, created_at datetime, updated_at datetime, deleted_at datetime)",
    "create table pre_auth_keys (id integer primary key autoincrement, key text, user_id integer, reusable numeric, ephemeral numeric default false, used numeric default false, tags text, created_at datetime, expiration datetime)",
    "create table api_keys (id integer primary key autoincrement, prefix text, hash blob, created_at datetime, expiration datetime, last_seen datetime)",
    `create table policies (id integer primary key autoincrement, ${gormTimes}, data text)`,
  ],
  "0.29": [
    "create table migrations (id text primary key)",
    "create table users (id integer primary key autoincrement, name text, display_name text, email text, provider_identifier text, provider text, profile_pic_url text, created_at datetime, updated_at datetime, deleted_at datetime)",
    "create table pre_auth_keys (id integer primary key autoincrement, key text, prefix text, hash blob, user_id integer, reusable numeric, ephemeral numeric default false, used numeric default false, tags text, expiration datetime, created_at datetime)",
    "create table api_keys (id integer primary key autoincrement, prefix text, hash blob, expiration datetime, last_seen datetime, created_at datetime)",
    "create table nodes (id integer primary key autoincrement, machine_key text, node_key text, disco_key text, endpoints text, host_info text, ipv4 text, ipv6 text, hostname text, given_name varchar(63), user_id integer, register_method text, tags text, auth_key_id integer, last_seen datetime, expiry datetime, approved_routes text, created_at datetime, updated_at datetime, deleted_at datetime)",
    "create table policies (id integer primary key autoincrement, data text, created_at datetime, updated_at datetime, deleted_at datetime)",
    "create table database_versions (id integer primary key, version text not null, updated_at datetime)",
  ],
};

export type OldRow = Readonly<Record<string, string | number | Uint8Array | null>>;

/** A file as a headscale of that era would leave it behind. */
export class OldDatabase implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "headscale-import-"));
  readonly path = join(this.#folder, "db.sqlite");
  readonly #connection = new DatabaseSync(this.path);

  constructor(era: Era) {
    for (const statement of schemas[era]) this.#connection.exec(statement);
  }

  insert(table: string, ...rows: readonly OldRow[]): this {
    for (const row of rows) {
      const columns = Object.keys(row);
      const marks = columns.map(() => "?").join(", ");
      this.#connection
        .prepare(`insert into ${table} (${columns.join(", ")}) values (${marks})`)
        .run(...Object.values(row));
    }
    return this;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** 64 hex digits that differ by `n`. */
export const hex = (n: number): string => n.toString(16).padStart(64, "0");
/** As GORM's SQLite driver writes times. */
export const gormTime = "2024-05-01 09:30:00.123456789+02:00";
export const gormMs = Date.parse("2024-05-01T07:30:00.123Z");
