import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { databaseKinds, stopPostgres, type TestDatabase } from "../support/store-matrix.ts";
import { base } from "../support/store-samples.ts";
import { loaded } from "../support/store-under-test.ts";

afterAll(stopPostgres);

const program = new URL("../support/store-writer.ts", import.meta.url);

/** Runs the writing program until it has confirmed `count` nodes, kills it at once, and returns all it confirmed. */
async function writeAndKill(address: TestDatabase["address"], count: number): Promise<readonly number[]> {
  const writer = spawn(process.execPath, [program.pathname, JSON.stringify(address)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(writer, "exit");
  const confirmed: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    if (line === "ready") continue;
    if (confirmed.push(Number(line)) === count) writer.kill("SIGKILL");
  }
  expect((await exited)[1]).toBe("SIGKILL");
  return confirmed;
}

describe.for(databaseKinds)("a daemon on $kind", ({ absent, create }) => {
  test.skipIf(absent).for([1, 17, 300])(
    "that is killed after %i confirmed changes has lost none of them, and has written none by halves",
    async (count) => {
      await using database = await create();
      const confirmed = await writeAndKill(database.address, count);
      expect(confirmed.length).toBeGreaterThanOrEqual(count);
      await using store = await database.open();
      const { nodes, revisions } = await loaded(store);
      const written = new Set(nodes.map(({ id }) => Number(id)));
      expect(confirmed.filter((id) => !written.has(id))).toEqual([]);
      expect(nodes.filter(({ hostname }) => hostname !== "second")).toEqual([]);
      expect([...revisions.values()]).toEqual([base().length + 2 * nodes.length]);
      expect(await store.changesSince(new Map())).toHaveLength(base().length + 2 * nodes.length);
    },
  );
});
