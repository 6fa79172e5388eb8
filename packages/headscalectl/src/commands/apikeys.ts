import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type ApiKey, ApiKeySchema } from "@headscale/gen/headscale/v1/apikey_pb.ts";
import type { Run } from "#command.ts";
import { fromNow } from "#duration.ts";
import { CliError } from "#failure.ts";
import { type Commands, text } from "#flags.ts";
import type { Column } from "#output/table.ts";
import { absolute, relative } from "#output/when.ts";
import { parseId } from "#resolve/node.ts";
import { noCommand } from "#usage-failure.ts";

const key = { type: "string", describe: "The key's id or prefix" } as const;
const which = { id: text("The key's id", "i"), prefix: text("The key's prefix", "p") } as const;

export function apikeys(commands: Commands, run: Run): Commands {
  return commands
    .demandCommand(1, noCommand)
    .command(
      ["list", "ls", "show"],
      "List keys",
      (command) => command,
      run(async ({ api, output, now }) => {
        const { apiKeys } = await (await api()).headscale.listApiKeys({});
        await output.list(ApiKeySchema, apiKeys, columns(now), "No API keys.");
      }),
    )
    .command(
      ["create", "c", "new"],
      "Make a key and print it: nothing ever shows it again",
      (command) => command.options({ expiration: { ...text("How long it is good for", "e"), default: "90d" } }),
      run(async ({ api, output, now }, flags) => {
        const expiration = timestampFromDate(fromNow(flags.expiration, "--expiration", now));
        const { apiKey } = await (await api()).headscale.createApiKey({ expiration });
        await output.value(apiKey, apiKey);
      }),
    )
    .command(
      ["expire [key]", "revoke", "exp", "e"],
      "Let a key be good for nothing from now on",
      (command) => command.positional("key", key).options(which),
      run(async ({ api, output }, flags) => {
        await (await api()).headscale.expireApiKey(meant(flags));
        await output.done("Key expired");
      }),
    )
    .command(
      ["delete [key]", "remove", "del", "rm"],
      "Remove a key",
      (command) => command.positional("key", key).options(which),
      run(async ({ api, output }, flags) => {
        await (await api()).headscale.deleteApiKey(meant(flags));
        await output.done("Key deleted");
      }),
    );
}

/** @throws {CliError} usage unless exactly one of the ways to name a key is used. */
function meant(flags: {
  readonly id?: string | undefined;
  readonly prefix?: string | undefined;
  readonly key?: string | undefined;
}): { id: bigint } | { prefix: string } {
  const said = [flags.id, flags.prefix, flags.key].filter((text) => text !== undefined);
  const [text = ""] = said;
  if (said.length !== 1 || text === "") throw new CliError("usage", "say which key: by --id or by --prefix");
  if (flags.id !== undefined || (flags.key !== undefined && /^\d{1,6}$/.test(text)))
    return { id: parseId(text, "--id") };
  return { prefix: text };
}

function columns(now: number): Column<ApiKey>[] {
  return [
    { head: "ID", cell: ({ id }) => String(id) },
    { head: "PREFIX", cell: ({ prefix }) => prefix },
    { head: "EXPIRES", cell: ({ expiration }) => relative(expiration, now) || "never" },
    { head: "LAST SEEN", cell: ({ lastSeen }) => relative(lastSeen, now) },
    { head: "CREATED", cell: ({ createdAt }) => relative(createdAt, now) },
    { head: "CREATED AT", cell: ({ createdAt }) => absolute(createdAt), wide: true },
  ];
}
