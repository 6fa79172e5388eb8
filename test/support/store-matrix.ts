import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresStore, openSqliteStore, type PostgresStoreOptions, type Store } from "@headscale/store";
import { type PostgresServer, postgresWanted, startPostgres } from "./postgres.ts";

/** An empty database, opened as often as a test wants: after a restart, or by several daemons where that can be. */
export interface TestDatabase extends AsyncDisposable {
  /** What another process needs to open it. */
  readonly address: { readonly sqlite: string } | { readonly postgres: PostgresStoreOptions };
  open(): Promise<Store>;
}

export interface DatabaseKind {
  readonly kind: "SQLite" | "PostgreSQL";
  readonly absent: boolean;
  create(): Promise<TestDatabase>;
}

let server: Promise<PostgresServer> | undefined;
let databases = 0;

/** For `afterAll`. */
export async function stopPostgres(): Promise<void> {
  await (await server)?.[Symbol.asyncDispose]();
  server = undefined;
}

export async function createPostgresDatabase(): Promise<PostgresStoreOptions> {
  server ??= startPostgres();
  const { host, port, user, database } = await (await server).createDatabase(`store_${++databases}`);
  return { host, port, user, database };
}

/** Every database that a store can be kept in. */
export const databaseKinds: readonly DatabaseKind[] = [
  {
    kind: "SQLite",
    absent: false,
    async create() {
      const folder = await mkdtemp(join(tmpdir(), "store-"));
      const path = join(folder, "db.sqlite");
      return {
        address: { sqlite: path },
        open: () => openSqliteStore({ path }),
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
      };
    },
  },
  {
    kind: "PostgreSQL",
    absent: !postgresWanted(),
    async create() {
      const postgres = await createPostgresDatabase();
      return { address: { postgres }, open: () => openPostgresStore(postgres), async [Symbol.asyncDispose]() {} };
    },
  },
];

export function openAt(address: TestDatabase["address"], onStatement?: (sql: string) => void): Promise<Store> {
  return "sqlite" in address
    ? openSqliteStore({ path: address.sqlite, onStatement })
    : openPostgresStore({ ...address.postgres, onStatement });
}
