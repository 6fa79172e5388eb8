import { type NodeId, type Presence, unknownPresence } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import { PresenceBook } from "./presence-book.ts";

const id = (n: number) => n as NodeId;
const derp = (homeDerp: number): Presence => ({ ...unknownPresence, homeDerp });

/** Takes writes one at a time, when it is let. */
class SlowStore {
  readonly writes: [number, number][][] = [];
  fails = 0;
  #gate: Promise<void> = Promise.resolve();

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  async writePresence(rows: ReadonlyMap<NodeId, Presence>): Promise<void> {
    await this.#gate;
    if (this.fails-- > 0) throw new Error("disk full");
    this.writes.push([...rows].map(([node, { homeDerp }]) => [node, homeDerp]));
  }
}

function lab() {
  const store = new SlowStore();
  const errors: unknown[] = [];
  return { store, errors, book: new PresenceBook(store, [[id(1), derp(1)]], (error) => errors.push(error)) };
}

describe("PresenceBook", () => {
  test("knows what was stored, what was set since, and nothing of others", () => {
    const { book } = lab();
    book.set(id(2), derp(2));
    expect([book.get(id(1)), book.get(id(2)), book.get(id(3))]).toEqual([derp(1), derp(2), unknownPresence]);
  });

  test("writes each changed row once, as it is when it is written", async () => {
    const { store, book } = lab();
    book.set(id(2), derp(2));
    book.set(id(2), derp(3));
    book.set(id(3), derp(4));
    await book.flush();
    await book.flush();
    expect(store.writes).toEqual([
      [
        [2, 3],
        [3, 4],
      ],
    ]);
  });

  test("does not write a node that was forgotten", async () => {
    const { store, book } = lab();
    book.set(id(2), derp(2));
    book.forget(id(2));
    await book.flush();
    expect(store.writes).toEqual([]);
  });

  test("keeps what could not be written for the next time, with what changed meanwhile", async () => {
    const { store, errors, book } = lab();
    store.fails = 1;
    book.set(id(2), derp(2));
    await book.flush();
    expect(errors).toHaveLength(1);
    book.set(id(2), derp(9));
    book.set(id(3), derp(3));
    await book.flush();
    expect(store.writes).toEqual([
      [
        [2, 9],
        [3, 3],
      ],
    ]);
  });

  test("does not bring a node back that was forgotten while its row could not be written", async () => {
    const { store, book } = lab();
    const release = store.hold();
    store.fails = 1;
    book.set(id(2), derp(2));
    const flushed = book.flush();
    book.forget(id(2));
    release();
    await flushed;
    await book.flush();
    expect(store.writes).toEqual([]);
  });

  test("has nothing on its way any more when a flush is done, however many were asked for", async () => {
    const { store, book } = lab();
    const release = store.hold();
    book.set(id(1), derp(5));
    const first = book.flush();
    book.set(id(2), derp(2));
    const [second, last] = [book.flush(), book.flush()];
    release();
    await last;
    expect(store.writes).toEqual([[[1, 5]], [[2, 2]]]);
    await Promise.all([first, second]);
  });
});
