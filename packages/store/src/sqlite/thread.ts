import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Cells, Statement } from "#database.ts";
import { StoreError } from "#store-error.ts";
import type { SqliteFileOptions } from "./file.ts";
import { type Answer, closeRequest, type Reply, type Request } from "./messages.ts";

interface Waiting {
  resolve(rows: readonly (readonly Cells[])[]): void;
  reject(reason: StoreError): void;
}

/** One connection in a thread of its own, seen from the main thread. */
export class SqliteThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended: StoreError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: Reply) => {
      if (reply.kind === "done") for (const answer of reply.answers) this.#settle(answer);
    });
    worker.on("error", (cause) => this.#end("the database thread failed", cause));
    worker.on("exit", () => this.#end("the database is closed"));
  }

  /** Resolves when the file is open. @throws {StoreError} */
  static async open(options: SqliteFileOptions): Promise<SqliteThread> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: options, execArgv: [] });
    const [reply] = (await once(worker, "message")) as [Reply];
    if (reply.kind === "failed") throw new StoreError(reply.failure.code, reply.failure.message);
    return new SqliteThread(worker);
  }

  request(kind: Request["kind"], statements: readonly Statement[]): Promise<readonly (readonly Cells[])[]> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, statements } satisfies Request);
    });
  }

  #settle({ id, rows, failure }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure) waiting?.reject(new StoreError(failure.code, failure.message));
    else waiting?.resolve(rows ?? []);
  }

  #end(message: string, cause?: unknown): void {
    this.#ended ??= new StoreError("unavailable", message, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  /** Serves what was asked for, then closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = new StoreError("unavailable", "the database is closed");
    this.#worker.postMessage(closeRequest);
    await once(this.#worker, "exit");
  }
}
