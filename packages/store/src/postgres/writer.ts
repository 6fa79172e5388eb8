import type { Client, ClientConfig } from "pg";
import type { Statement } from "#database.ts";
import { StoreError } from "#store-error.ts";
import { connect } from "./connector.ts";
import { isRetriable, postgresFailure } from "./failure.ts";

interface Job {
  readonly statements: readonly Statement[];
  resolve(): void;
  reject(reason: StoreError): void;
}

const maxJobsAtOnce = 64;
const maxAttempts = 3;

/**
 * The one connection that writes. Jobs that wait share a transaction and so a disk write; if it fails, each is run by
 * itself. A transaction is sent whole, without waiting for answers in between.
 */
export class PostgresWriter implements AsyncDisposable {
  readonly #config: ClientConfig;
  #client: Client | undefined;
  #waiting: Job[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  readonly #names = new Map<string, string>();

  constructor(config: ClientConfig) {
    this.#config = { ...config, pipeline: true };
  }

  /** @throws {StoreError} */
  write(statements: readonly Statement[]): Promise<void> {
    if (this.#closed) return Promise.reject(new StoreError("unavailable", "the database is closed"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statements, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // Jobs of the same turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const jobs = this.#waiting.splice(0, maxJobsAtOnce);
      if (jobs.length === 1 || !(await this.#together(jobs))) for (const job of jobs) await this.#alone(job);
    }
    this.#running = undefined;
  }

  /** Whether all of them were written; nothing was otherwise, and they are to be tried one by one. */
  async #together(jobs: readonly Job[]): Promise<boolean> {
    try {
      await this.#transaction(jobs.flatMap(({ statements }) => statements));
      for (const { resolve } of jobs) resolve();
      return true;
    } catch (error) {
      const failure = postgresFailure(error);
      if (failure.code !== "unavailable") return false;
      // It may have been written all the same, so it must not be tried again.
      for (const { reject } of jobs) reject(failure);
      return true;
    }
  }

  async #alone({ statements, resolve, reject }: Job): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#transaction(statements);
        resolve();
        return;
      } catch (error) {
        const failure = postgresFailure(error);
        if (isRetriable(failure) && attempt < maxAttempts) continue;
        reject(failure);
        return;
      }
    }
  }

  async #transaction(statements: readonly Statement[]): Promise<void> {
    const client = await this.#connection();
    // An error makes all that follows fail too, and of `commit` a rollback.
    const outcomes = await Promise.allSettled([
      client.query("begin"),
      ...statements.map(({ sql, params }) => client.query({ name: this.#nameOf(sql), text: sql, values: [...params] })),
      client.query("commit"),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #connection(): Promise<Client> {
    if (this.#client) return this.#client;
    let broken = false;
    const client = await connect(this.#config, (lost) => {
      broken = true;
      if (this.#client === lost) this.#client = undefined;
    });
    if (!broken) this.#client = client;
    return client;
  }

  /** Prepared statements are known by name. */
  #nameOf(sql: string): string {
    const name = this.#names.get(sql) ?? `w${this.#names.size}`;
    this.#names.set(sql, name);
    return name;
  }

  /** Writes what was asked for, then hangs up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#client?.end();
  }
}
