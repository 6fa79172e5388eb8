import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ChangeSchema } from "@headscale/gen/headscale/v1/change_pb.ts";
import type { Run } from "#command.ts";
import { parseDuration } from "#duration.ts";
import { allNamespaces, type Commands, text, texts, yes } from "#flags.ts";
import { noCommand } from "#usage-failure.ts";
import { changeColumns, namespaceColumn } from "./change-row.ts";
import { parseTime } from "./nodes-life.ts";
import { limitOf, limitOption, pages } from "./pages.ts";

export function audit(commands: Commands, run: Run): Commands {
  return commands.demandCommand(1, noCommand).command(
    ["list", "ls", "show"],
    "List changes, newest first",
    (command) =>
      command.options({
        kind: texts("Only these, such as node-registered, or node- for all about nodes"),
        subject: text("Only about this, such as node:12"),
        actor: text("Only by this one, such as socket or user:3"),
        since: text("Not before: a time, or how long ago, such as 24h"),
        until: text("Not after: the same"),
        "oldest-first": yes("Oldest first"),
        ...limitOption,
        ...allNamespaces,
      }),
    run(async (session, flags) => {
      const { audit } = await session.api();
      const bound = (name: "since" | "until") => {
        const said = flags[name];
        return said === undefined ? {} : { [name]: timestampFromDate(moment(said, `--${name}`, session.now)) };
      };
      const filter = {
        kinds: flags.kind ?? [],
        subject: flags.subject ?? "",
        actor: flags.actor ?? "",
        oldestFirst: flags.oldestFirst,
        ...bound("since"),
        ...bound("until"),
        tailnet: session.listed(flags),
      };
      const changes = await pages(limitOf(flags), async (page) => {
        const reply = await audit.listChanges({ ...filter, ...page });
        return { items: reply.changes, next: reply.nextPageToken };
      });
      const columns = flags.allNamespaces ? [namespaceColumn, ...changeColumns] : changeColumns;
      await session.output.list(ChangeSchema, changes, columns, "No changes.");
    }),
  );
}

/** A time, or so long ago. @throws {CliError} usage */
function moment(text: string, flag: string, now: number): Date {
  return /^\d{4}-/.test(text) ? parseTime(text, flag) : new Date(now - parseDuration(text, flag));
}
