import { existsSync, renameSync, rmSync } from "node:fs";
import { type Imported, importCommand, type SourceTables } from "@headscale/import";
import { decide, unknownPresence, worldFromRows } from "@headscale/tailnet";
import { openStore } from "#assembly/open-store.ts";
import { tailnetSettings } from "#assembly/settings.ts";
import type { Config } from "#config/config.ts";
import type { DatabaseConfig, SqliteConfig } from "#config/section/database.ts";

const sqliteFiles = ["", "-wal", "-shm"] as const;

/** Writes everything into a database that has no users and nodes yet. @throws {StoreError | TailnetError} */
export async function fill(config: Config, database: DatabaseConfig, imported: Imported): Promise<void> {
  await using store = await openStore(database);
  const world = worldFromRows(await store.load());
  const { changes } = decide(world, importCommand(imported), {
    now: Date.now(),
    actor: "import",
    settings: tailnetSettings(config),
    random: Math.random,
    policy: () => ({
      mayTag: () => false,
      isDefinedTag: () => false,
      autoApproved: () => [],
      addressPools: () => undefined,
    }),
    presence: () => unknownPresence,
  });
  await store.commit(changes);
  await store.writePresence(imported.presence);
}

/**
 * Fills a fresh file and lets it take the old one's place, whose new path is returned. Whatever ends this in between, the
 * old file is there whole, under one name or the other.
 */
export async function replaceFile(
  config: Config,
  database: SqliteConfig,
  tables: SourceTables,
  imported: Imported,
): Promise<string> {
  const { path } = database;
  const fresh = `${path}.importing`;
  remove(fresh);
  await fill(config, { ...database, path: fresh, writeAheadLog: false }, imported);
  const version = String(tables.get("database_versions")?.[0]?.version ?? "").replace(/[^\w.-]/g, "");
  const kept = freeName(`${path}.headscale${version === "" ? "" : `-${version}`}`);
  for (const end of sqliteFiles) if (existsSync(path + end)) renameSync(path + end, kept + end);
  renameSync(fresh, path);
  remove(fresh);
  return kept;
}

function remove(path: string): void {
  for (const end of [...sqliteFiles, ".lock"]) rmSync(path + end, { force: true });
}

function freeName(path: string): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? path : `${path}-${n}`;
    if (!existsSync(candidate)) return candidate;
  }
}
