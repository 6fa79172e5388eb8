import { readFileSync } from "node:fs";
import { StoreError } from "./store-error.ts";

/** One step of the schema, made by drizzle-kit and never edited afterwards. */
export interface Migration {
  /** Counts from 1 without gaps; the number of the newest one is the version of the schema. */
  readonly id: number;
  readonly tag: string;
  readonly statements: readonly string[];
}

/** A migration that a database has behind it. */
export interface AppliedMigration {
  readonly id: number;
  readonly tag: string;
}

/** Where both databases remember what was applied. Headscale in Go has a table `migrations`, so not that name. */
export const migrationsTable = "schema_migrations";

/** The migrations of a folder that drizzle-kit wrote, oldest first. `folder` ends with a slash. */
export function readMigrations(folder: URL): readonly Migration[] {
  const journal = JSON.parse(readFileSync(new URL("meta/_journal.json", folder), "utf8"));
  return (journal.entries as readonly { readonly tag: string }[]).map(({ tag }, index) => ({
    id: index + 1,
    tag,
    statements: readFileSync(new URL(`${tag}.sql`, folder), "utf8").split("--> statement-breakpoint"),
  }));
}

/**
 * What a database still lacks. `applied` is undefined when it has no table of migrations, `tables` are those it has.
 * @throws {StoreError} "newer-schema", "foreign-database"
 */
export function pendingMigrations(
  known: readonly Migration[],
  found: { readonly applied: readonly AppliedMigration[] | undefined; readonly tables: readonly string[] },
  place: string,
): readonly Migration[] {
  const { applied, tables } = found;
  if (!applied) {
    if (tables.length === 0) return known;
    const whose = tables.includes("pre_auth_keys")
      ? "is a database of the other headscale, written in Go: stop that one, then take it over with `headscale import`"
      : `holds tables of another program: ${abridged(tables)}`;
    throw new StoreError("foreign-database", `${place} ${whose}`);
  }
  if (applied.length > known.length) {
    throw new StoreError(
      "newer-schema",
      `${place} was written by a newer version: its schema is version ${applied.length}, this program knows ${known.length}; run that version, or restore a backup from before it`,
    );
  }
  const stranger = applied.find(({ id, tag }) => known[id - 1]?.tag !== tag);
  if (stranger) {
    throw new StoreError("foreign-database", `${place} was changed by another program: ${stranger.tag} is not known`);
  }
  return known.slice(applied.length);
}

function abridged(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown}, …` : shown;
}
