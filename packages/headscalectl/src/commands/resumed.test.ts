import { create } from "@bufbuild/protobuf";
import { type WatchResponse, WatchResponseSchema } from "@headscale/gen/headscale/v1/watch_pb.ts";
import { describe, expect, test } from "vitest";
import { CliError } from "#failure.ts";
import { resumed } from "./resumed.ts";

const cut = new CliError("unavailable", "the connection was cut");

/** Each connection says its revisions and then ends as it does; undefined: in peace. */
async function watching(after: bigint | undefined, connections: { says: bigint[]; ends?: Error }[]) {
  const opened: (bigint | undefined)[] = [];
  const pauses: number[] = [];
  const heard: bigint[] = [];
  const messages = resumed(after, {
    async *open(after): AsyncIterable<WatchResponse> {
      const connection = connections[opened.length];
      opened.push(after);
      for (const revision of connection?.says ?? []) yield create(WatchResponseSchema, { revision });
      if (connection?.ends) throw connection.ends;
    },
    pause: async (_lost, tries) => {
      pauses.push(tries);
    },
  });
  let failure: unknown;
  try {
    for await (const { revision } of messages) heard.push(revision);
  } catch (error) {
    failure = error;
  }
  return { opened, pauses, heard, failure };
}

describe("resumed", () => {
  test("goes on behind the last revision that was heard", async () => {
    const connections = [
      { says: [5n, 6n], ends: cut },
      { says: [], ends: cut },
      { says: [], ends: cut },
      { says: [7n], ends: cut },
      { says: [8n] },
    ];
    expect(await watching(undefined, connections)).toEqual({
      opened: [undefined, 6n, 6n, 6n, 7n],
      pauses: [0, 0, 1, 0],
      heard: [5n, 6n, 7n, 8n],
      failure: undefined,
    });
  });

  test("has no revision to go on behind when it watches all namespaces", async () => {
    expect((await watching(undefined, [{ says: [0n, 0n], ends: cut }, { says: [0n] }])).opened).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("does not try again what was never reached", async () => {
    expect(await watching(3n, [{ says: [], ends: cut }])).toMatchObject({ opened: [3n], failure: cut });
  });

  test.for([new CliError("denied", "key expired"), new Error("a fault of our own")])("ends with: %s", async (ends) => {
    expect(await watching(3n, [{ says: [4n], ends }])).toMatchObject({ pauses: [], failure: ends });
  });
});
