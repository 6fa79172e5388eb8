import { randomUUID } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { type ClientConfig, Pool, type PoolClient } from "pg";
import type { Cells, Database, Statement } from "#database.ts";
import { readMigrations } from "#migrations.ts";
import { connect } from "./connector.ts";
import { postgresFailure } from "./failure.ts";
import { CommitListener, commitChannel, type Heard, replicaChannel } from "./listener.ts";
import { migrate } from "./migrate.ts";
import * as tables from "./schema.ts";
import { PostgresWriter } from "./writer.ts";

const dialect = new PgDialect();
const migrationsFolder = new URL("./migrations/", import.meta.url);

export interface PoolSize {
  /** Connections at most: one writes, one listens, the others read. */
  readonly maxConnections: number;
  /** Readers kept open while there is nothing to read. */
  readonly maxIdleConnections: number;
  /** 0: idle connections are kept. */
  readonly maxIdleMs: number;
}

export class PostgresDatabase implements Database {
  readonly tables = { ...tables };
  readonly compile = (query: SQL): Statement => dialect.sqlToQuery(query);
  readonly announcement: readonly Statement[];
  readonly #config: ClientConfig;
  readonly #readers: Pool;
  readonly #maxIdle: number;
  readonly #writer: PostgresWriter;
  /** This daemon's name among those on the database. */
  readonly self = randomUUID();
  readonly #listeners = new Set<(news: Heard | undefined) => void>();
  #listener: CommitListener | undefined;

  constructor(config: ClientConfig, { maxConnections, maxIdleConnections, maxIdleMs }: PoolSize) {
    this.#config = config;
    this.#maxIdle = maxIdleConnections;
    const max = Math.max(1, maxConnections - 2);
    this.#readers = new Pool({ ...config, pipeline: true, max, idleTimeoutMillis: maxIdleMs });
    // The pool replaces broken connections; whoever was asking over one hears of it from the answer.
    this.#readers.on("error", () => {});
    this.#readers.on("connect", (client) => client.on("error", () => {}));
    this.#writer = new PostgresWriter(config);
    this.announcement = [this.compile(sql`select pg_notify(${commitChannel}, ${this.self})`)];
  }

  /** Brings the schema up to date. @throws {StoreError} */
  async prepare(): Promise<void> {
    const place = `the PostgreSQL database ${this.#config.database}`;
    try {
      const client = await connect({ ...this.#config, query_timeout: 0, statement_timeout: 0 });
      try {
        await migrate(client, place, readMigrations(migrationsFolder), new Date());
      } finally {
        await client.end();
      }
    } catch (error) {
      throw postgresFailure(error);
    }
  }

  async read(statements: readonly Statement[]): Promise<readonly (readonly Cells[])[]> {
    if (statements.length === 0) return [];
    const asked = statements.map(({ sql: text, params }) => ({ text, values: [...params], rowMode: "array" as const }));
    const [only, ...others] = asked;
    try {
      if (only && others.length === 0)
        return await this.#withReader(async (client) => [(await client.query(only)).rows as Cells[]]);
      return await this.#withReader((client) => this.#readTogether(client, asked));
    } catch (error) {
      throw postgresFailure(error);
    }
  }

  async #readTogether(client: PoolClient, asked: readonly { text: string; values: unknown[]; rowMode: "array" }[]) {
    const [, ...answers] = await Promise.all([
      client.query("begin isolation level repeatable read read only"),
      ...asked.map((query) => client.query(query)),
      client.query("commit"),
    ]);
    return answers.slice(0, asked.length).map(({ rows }) => rows as unknown as Cells[]);
  }

  /** Lends a connection, and closes it afterwards when it failed or when enough others are idle. */
  async #withReader<T>(use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#readers.connect();
    let broken: Error | undefined;
    try {
      return await use(client);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      const { idleCount, waitingCount } = this.#readers;
      client.release(broken ?? (waitingCount === 0 && idleCount >= this.#maxIdle));
    }
  }

  write(statements: readonly Statement[]): Promise<void> {
    return this.#writer.write(statements);
  }

  onCommitElsewhere(listener: () => void): Disposable {
    return this.#listen((news) => {
      if (news?.channel !== replicaChannel) listener();
    });
  }

  /** Undefined: some may have been missed. */
  onReplicaNews(listener: (text: string | undefined) => void): Disposable {
    return this.#listen((news) => {
      if (news?.channel !== commitChannel) listener(news?.text);
    });
  }

  #listen(listener: (news: Heard | undefined) => void): Disposable {
    this.#listeners.add(listener);
    this.#listener ??= new CommitListener(this.#config, this.self, (news) => {
      for (const each of this.#listeners) each(news);
    });
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  announceToReplicas(text: string): Statement {
    return this.compile(sql`select pg_notify(${replicaChannel}, ${`${this.self} ${text}`})`);
  }

  presenceAnnouncement(ids: readonly number[]): readonly Statement[] {
    return ids.length === 0 ? [] : [this.announceToReplicas(ids.join(","))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.[Symbol.asyncDispose]();
    await this.#writer[Symbol.asyncDispose]();
    await this.#readers.end();
  }
}
