import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Cells, Statement } from "#database.ts";
import { sqliteFailure } from "./failure.ts";
import type { Answer, Request } from "./messages.ts";

/** Shapes of statements are few; history queries have some hundred. */
const maxPrepared = 300;

/** Serves requests of one connection; those that come together share one transaction and so one disk write. */
export class GroupCommit {
  readonly #connection: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  /** Answers all requests. Each write is all or nothing by itself, and answered when it is durable. */
  serve(requests: readonly Request[]): readonly Answer[] {
    const writes = requests.filter(({ kind }) => kind === "write");
    const written = writes.length > 0 ? this.#writeTogether(writes) : [];
    const reads = requests.filter(({ kind }) => kind === "read");
    return [...written, ...reads.map((request) => this.#read(request))];
  }

  #writeTogether(requests: readonly Request[]): readonly Answer[] {
    try {
      this.#run("begin immediate");
      const answers = requests.map((request) => this.#write(request));
      this.#run("commit");
      return answers;
    } catch (error) {
      if (this.#connection.isTransaction) this.#run("rollback");
      const { code, message } = sqliteFailure(error);
      return requests.map(({ id }) => ({ id, failure: { code, message } }));
    }
  }

  #write({ id, statements }: Request): Answer {
    this.#run("savepoint request");
    try {
      for (const { sql, params } of statements) this.#prepare(sql).run(...(params as SQLInputValue[]));
      this.#run("release request");
      return { id };
    } catch (error) {
      // A full disk ends the whole transaction, and with it the requests before this one.
      if (!this.#connection.isTransaction) throw error;
      this.#run("rollback to request");
      this.#run("release request");
      const { code, message } = sqliteFailure(error);
      return { id, failure: { code, message } };
    }
  }

  #read({ id, statements }: Request): Answer {
    try {
      this.#run("begin");
      const rows = statements.map(({ sql, params }) => {
        const statement = this.#prepare(sql);
        return statement.all(...(params as SQLInputValue[])) as unknown as readonly Cells[];
      });
      this.#run("commit");
      return { id, rows };
    } catch (error) {
      if (this.#connection.isTransaction) this.#run("rollback");
      const { code, message } = sqliteFailure(error);
      return { id, failure: { code, message } };
    }
  }

  #run(sql: string): void {
    this.#prepare(sql).run();
  }

  #prepare(sql: Statement["sql"]): StatementSync {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.#connection.prepare(sql);
    statement.setReturnArrays(true);
    if (this.#prepared.size >= maxPrepared) this.#prepared.clear();
    this.#prepared.set(sql, statement);
    return statement;
  }
}
