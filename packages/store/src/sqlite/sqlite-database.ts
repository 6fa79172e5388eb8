import type { SQL } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import type { Cells, Database, Statement } from "#database.ts";
import type { SqliteFileOptions } from "./file.ts";
import * as tables from "./schema.ts";
import { SqliteThread } from "./thread.ts";

const dialect = new SQLiteAsyncDialect();

/** SQLite in two threads: one writes, the other reads, and neither waits for the other. */
export class SqliteDatabase implements Database {
  readonly tables = { ...tables };
  readonly announcement = [];
  readonly #options: SqliteFileOptions;
  readonly #writer: SqliteThread;
  #reader: Promise<SqliteThread> | undefined;

  private constructor(options: SqliteFileOptions, writer: SqliteThread) {
    this.#options = options;
    this.#writer = writer;
  }

  /** @throws {StoreError} */
  static async open(options: SqliteFileOptions): Promise<SqliteDatabase> {
    return new SqliteDatabase(options, await SqliteThread.open(options));
  }

  readonly compile = (query: SQL): Statement => dialect.sqlToQuery(query);

  async read(statements: readonly Statement[]): Promise<readonly (readonly Cells[])[]> {
    if (statements.length === 0) return [];
    return (await this.#readingThread()).request("read", statements);
  }

  async write(statements: readonly Statement[]): Promise<void> {
    await this.#writer.request("write", statements);
  }

  /** Without a write-ahead log readers and writers exclude each other, and memory has one connection. */
  #readingThread(): SqliteThread | Promise<SqliteThread> {
    if (!this.#options.writeAheadLog || this.#options.path === ":memory:") return this.#writer;
    this.#reader ??= SqliteThread.open({ ...this.#options, readOnly: true });
    return this.#reader;
  }

  presenceAnnouncement(): readonly Statement[] {
    return [];
  }

  onCommitElsewhere(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  /** The writer goes last: it folds the log into the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#reader)?.[Symbol.asyncDispose]();
    await this.#writer[Symbol.asyncDispose]();
  }
}
