import { setTimeout as sleep } from "node:timers/promises";
import { toContractJson } from "@headscale/gen/contract-json";
import { type Change, ChangeSchema } from "@headscale/gen/headscale/v1/change_pb.ts";
import type { Run } from "#command.ts";
import { allNamespaces, type Commands, text, texts, yes } from "#flags.ts";
import { row } from "#output/table.ts";
import { parseId } from "#resolve/node.ts";
import { changeColumns, namespaceColumn } from "./change-row.ts";
import { resumed } from "./resumed.ts";

const longestPauseMs = 30_000;

export function watch(commands: Commands, run: Run): Commands {
  return commands.command(
    "$0",
    "Print changes as they happen, one a line, until interrupted",
    (command) =>
      command.options({
        after: text("First what happened after this revision; 0 for all that is kept"),
        kind: texts("Only these, such as node-registered, or node- for all about nodes"),
        presence: yes("Also nodes that go online and offline"),
        ...allNamespaces,
      }),
    run(async (session, flags) => {
      const { watch } = await session.api();
      const request = { kinds: flags.kind ?? [], presence: flags.presence, tailnet: session.listed(flags) };
      const columns = flags.allNamespaces ? [namespaceColumn, ...changeColumns] : changeColumns;
      const line = (change: Change) => row(columns.map(({ cell, width }) => [cell(change), width]));
      const messages = resumed(flags.after === undefined ? undefined : parseId(flags.after, "--after"), {
        // No time limit: a watch lasts as long as somebody watches.
        open: (after) =>
          watch.watch({ ...request, ...(after !== undefined && { afterRevision: after }) }, { timeoutMs: 0 }),
        async pause(lost, tries) {
          const gap = flags.allNamespaces ? "; changes in between are not shown" : "";
          if (tries === 0) session.output.note(`${lost.message}; trying again${gap}`);
          await sleep(Math.min(1000 * 2 ** tries, longestPauseMs));
        },
      });
      for await (const { change } of messages) {
        if (change !== undefined) await session.output.streamed(toContractJson(ChangeSchema, change), line(change));
      }
    }),
  );
}
