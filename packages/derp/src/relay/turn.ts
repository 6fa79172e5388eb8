/**
 * Gathers what wants to be flushed in one turn of the event loop and flushes it at the turn's end.
 * A microtask would come after each chunk read, too early to gather anything; `setImmediate` comes after all sockets were read.
 */
export class Turn {
  #due: { flush(): void }[] = [];

  /** Call once per flush; `flush` must not throw. */
  atEnd(one: { flush(): void }): void {
    if (this.#due.push(one) === 1) setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const one of due) one.flush();
  };
}
