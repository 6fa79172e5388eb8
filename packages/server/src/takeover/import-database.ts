import { readFile } from "node:fs/promises";
import { convert, type Imported, isHeadscale, readPostgres, readSqlite, sqliteTables } from "@headscale/import";
import { legacyAuthKey } from "#auth/secrets.ts";
import type { Config } from "#config/config.ts";
import type { DatabaseConfig } from "#config/section/database.ts";
import { adoptKey } from "./adopt-key.ts";
import { fill, replaceFile } from "./import-target.ts";
import { policyProblem, tagJudge } from "./imported-policy.ts";

export interface ImportRequest {
  /** A SQLite file or a `postgres://` URL; absent: the file that the configuration names, which is then replaced. */
  readonly from: string | undefined;
  /** The old server's Noise key, where the configuration does not name it already. */
  readonly noiseKey: string | undefined;
  /** Reads and converts, and writes nothing. */
  readonly dryRun: boolean;
}

export interface ImportReport {
  readonly imported: Imported;
  /** Why the policy does not hold here, with its place; until it is mended, nobody may talk to anybody. */
  readonly policyProblem: string | undefined;
  /** False: clients will meet a server with another key, and have to log in again. */
  readonly hasNoiseKey: boolean;
  /** Where the old database was moved to, when it was replaced. */
  readonly keptAs: string | undefined;
}

/** Takes over a database of headscale's, all or nothing. @throws {ImportError | StoreError | TailnetError} */
export async function importDatabase(config: Config, request: ImportRequest): Promise<ImportReport> {
  const { database } = config;
  const from = request.from ?? ownFile(database);
  const tables = /^postgres(?:ql)?:\/\//.test(from) ? await readPostgres(from) : readSqlite(from);
  const filePolicy = await policyFile(config);
  const imported = convert(tables, {
    now: Date.now(),
    hashLegacy: legacyAuthKey,
    tagJudge: (stored, users) => tagJudge(filePolicy ?? stored, users),
  });
  const hasNoiseKey = await adoptKey(config.server.noiseKeyPath, request);
  let keptAs: string | undefined;
  if (!request.dryRun) {
    if (request.from === undefined && database.kind === "sqlite") {
      keptAs = await replaceFile(config, database, tables, imported);
    } else await fill(config, database, imported);
  }
  return { imported, policyProblem: policyProblem(filePolicy ?? imported.policy?.text), hasNoiseKey, keptAs };
}

/** The configured file, when it is headscale's own. */
function ownFile(database: DatabaseConfig): string {
  if (database.kind === "postgres") {
    throw new Error(
      "import: name the old database with --from postgres://… and a fresh one in database.postgres: their tables have the same names",
    );
  }
  if (isHeadscale(sqliteTables(database.path))) return database.path;
  throw new Error(
    `import: ${database.path} is not a database of headscale's; name one with --from FILE or --from postgres://…`,
  );
}

/** `policy.path` in file mode: the policy in force is not the one in the database. */
async function policyFile({ policy }: Config): Promise<string | undefined> {
  return policy.mode === "file" && policy.path !== undefined ? readFile(policy.path, "utf8") : undefined;
}
