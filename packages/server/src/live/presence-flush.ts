import type { PresenceBook } from "./presence-book.ts";

/** How long a database that is away is left alone. */
const restMs = 5_000;

/** Writes presence behind, from time to time. */
export class PresenceFlush implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** Turns to let pass. */
  #rest = 0;

  constructor(book: PresenceBook, everyMs: number) {
    this.#timer = setInterval(async () => {
      if (this.#rest > 0) this.#rest--;
      else if (!(await book.flush())) this.#rest = Math.floor(restMs / everyMs);
    }, everyMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
