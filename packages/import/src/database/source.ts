import { ImportError } from "../import-error.ts";

/** A column's value as the driver gives it. */
export type Cell = string | number | bigint | boolean | Date | Uint8Array | null;
export type Cells = Readonly<Record<string, Cell>>;

/** A database as it was found: the rows of the tables that it has of those that matter. */
export type SourceTables = ReadonlyMap<string, readonly Cells[]>;

/** Tables of any version. Source: headscale v0.22.3 hscontrol/db.go, f20f1f12 hscontrol/db/schema.sql. */
export const sourceTables = [
  "users",
  "machines",
  "nodes",
  "routes",
  "pre_auth_keys",
  "pre_auth_key_acl_tags",
  "api_keys",
  "policies",
  "oauth_clients",
  "database_versions",
] as const;

/** Whether a database with these tables is headscale's, of any age. */
export function isHeadscale(names: readonly string[]): boolean {
  const has = (name: string) => names.includes(name);
  return has("api_keys") && has("pre_auth_keys") && (has("nodes") || has("machines"));
}

/** @throws {ImportError} "not-headscale", "too-old" */
export function assertHeadscale(place: string, names: readonly string[]): void {
  if (!isHeadscale(names)) {
    throw new ImportError("not-headscale", `${place} is not a database of headscale: its tables are missing`);
  }
  if (!names.includes("users")) {
    throw new ImportError(
      "too-old",
      `${place} is of a headscale older than 0.22: start headscale 0.22.3 on it once, then import it`,
    );
  }
}
