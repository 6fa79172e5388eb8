/** What both kinds of answers (HTTP/1.1 responses, HTTP/2 streams) tell of themselves. */
interface Answer {
  /** Everything has been said. */
  readonly writableEnded: boolean;
  /** And has left. */
  readonly writableFinished: boolean;
  once(event: "close", listener: () => void): unknown;
}

/**
 * Answers that are complete and wait for a peer that does not read. Nothing in Node ends them: HTTP/1.1 has no timeout
 * for writing, and an HTTP/2 window may stay at zero for ever. Streams that are still being written are not its business.
 */
export class UntakenAnswers<A extends Answer> {
  readonly #giveUpMs: number;
  readonly #giveUp: (answer: A) => void;
  /** With the moment at which each was first seen complete, 0 before. */
  readonly #open = new Map<A, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `giveUp` is called once for an answer that has waited between one and one and a quarter `giveUpMs`. */
  constructor(giveUpMs: number, giveUp: (answer: A) => void) {
    this.#giveUpMs = giveUpMs;
    this.#giveUp = giveUp;
  }

  add(answer: A): void {
    this.#open.set(answer, 0);
    this.#timer ??= setInterval(() => this.#look(), this.#giveUpMs / 4).unref();
    answer.once("close", () => this.#forget(answer));
  }

  #forget(answer: A): void {
    this.#open.delete(answer);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const [answer, since] of this.#open) {
      if (!answer.writableEnded || answer.writableFinished) continue;
      if (since === 0) this.#open.set(answer, now);
      else if (now - since >= this.#giveUpMs) {
        this.#forget(answer);
        this.#giveUp(answer);
      }
    }
  }
}
