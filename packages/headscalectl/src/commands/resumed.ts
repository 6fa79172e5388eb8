import type { WatchResponse } from "@headscale/gen/headscale/v1/watch_pb.ts";
import { CliError } from "#failure.ts";

export interface Resuming {
  /** Opens the stream behind a revision; `undefined`: from now on. */
  open(after: bigint | undefined): AsyncIterable<WatchResponse>;
  /** Called when the stream is lost, before each new try; resolves when that is due. `tries` counts from 0. */
  pause(lost: CliError, tries: number): Promise<void>;
}

/**
 * A watch that outlives its connection: when that is lost it is opened again behind the last revision that was heard, so
 * that nothing is told twice or left out. What cannot be reached to begin with, and what refuses, ends it.
 */
export async function* resumed(after: bigint | undefined, { open, pause }: Resuming): AsyncIterable<WatchResponse> {
  let heard = after;
  let reached = false;
  for (let tries = 0; ; tries += 1) {
    try {
      for await (const message of open(heard)) {
        reached = true;
        tries = -1;
        // 0: a watch of all namespaces, where every namespace counts for itself.
        if (message.revision !== 0n) heard = message.revision;
        yield message;
      }
      return;
    } catch (error) {
      if (!reached || !(error instanceof CliError) || error.kind !== "unavailable") throw error;
      await pause(error, Math.max(tries, 0));
    }
  }
}
