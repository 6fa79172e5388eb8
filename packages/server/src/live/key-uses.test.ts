import type { ApiKeyId } from "@headscale/tailnet";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KeyUses } from "./key-uses.ts";

const [one, two] = [1, 2].map((n) => n as ApiKeyId) as [ApiKeyId, ApiKeyId];

/** Keeps moments in memory, and fails when it is told to. */
class Uses {
  readonly writes: [ApiKeyId, number][][] = [];
  readonly kept = new Map<ApiKeyId, number>();
  fails = false;

  async writeKeyUses(uses: ReadonlyMap<ApiKeyId, number>): Promise<void> {
    if (this.fails) throw new Error("disk full");
    this.writes.push([...uses]);
    for (const [id, at] of uses) this.kept.set(id, at);
  }

  async keyUses(): Promise<ReadonlyMap<ApiKeyId, number>> {
    return this.kept;
  }
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }));
afterEach(() => void vi.useRealTimers());

function lab() {
  const store = new Uses();
  const errors: string[] = [];
  return { store, errors, uses: new KeyUses({ store, flushMs: 100, onError: (what) => errors.push(what) }) };
}

describe("KeyUses", () => {
  test("writes a busy key once in a round, and nothing in a quiet one", async () => {
    const { store, uses } = lab();
    for (let i = 0; i < 50; i++) {
      uses.note(one);
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(store.writes).toEqual([[[one, 1_049]]]);
    await uses[Symbol.asyncDispose]();
  });

  test("knows at once, whoever wrote it: the later moment counts", async () => {
    const { store, uses } = lab();
    store.kept.set(one, 9_000).set(two, 5);
    uses.note(one);
    uses.note(two);
    expect(await uses.lastSeen()).toEqual(
      new Map([
        [one, 9_000],
        [two, 1_000],
      ]),
    );
    await uses[Symbol.asyncDispose]();
  });

  test("tries again what could not be written, and writes the rest at the end", async () => {
    const { store, errors, uses } = lab();
    store.fails = true;
    uses.note(one);
    await vi.advanceTimersByTimeAsync(100);
    expect(errors).toHaveLength(1);
    store.fails = false;
    uses.note(two);
    await uses[Symbol.asyncDispose]();
    expect(store.writes).toEqual([
      [
        [one, 1_000],
        [two, 1_100],
      ],
    ]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(store.writes).toHaveLength(1);
  });
});
