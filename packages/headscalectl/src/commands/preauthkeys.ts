import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type PreAuthKey, PreAuthKeySchema } from "@headscale/gen/headscale/v1/preauthkey_pb.ts";
import type { Run } from "#command.ts";
import { fromNow } from "#duration.ts";
import { CliError } from "#failure.ts";
import { allNamespaces, type Commands, maybe, text, texts, yes } from "#flags.ts";
import type { Column } from "#output/table.ts";
import { absolute, relative } from "#output/when.ts";
import { parseId } from "#resolve/node.ts";
import { owner } from "#resolve/user.ts";
import type { Session } from "#session.ts";
import { noCommand } from "#usage-failure.ts";
import { expected } from "./expected.ts";

const key = { type: "string", describe: "The key's id, or the key itself" } as const;
const id = text("The key's id", "i");

export function preauthkeys(commands: Commands, run: Run): Commands {
  commands.demandCommand(1, noCommand);
  createKey(commands, run);
  return commands
    .command(
      ["list", "ls", "show"],
      "List keys",
      (command) => command.options({ user: text("Only this user's keys, by name or id", "u"), ...allNamespaces }),
      run(async (session, { user, ...flags }) => {
        const { headscale } = await session.api();
        const { preAuthKeys } = await headscale.listPreAuthKeys({ tailnet: session.listed(flags) });
        const shown = preAuthKeys.filter(
          (key) => user === undefined || [key.user?.name, String(key.user?.id)].includes(user),
        );
        await session.output.list(
          PreAuthKeySchema,
          shown,
          columns(session.now, flags.allNamespaces),
          "No pre-auth keys.",
        );
      }),
    )
    .command(
      ["expire [key]", "revoke", "exp", "e"],
      "Let no more nodes join with a key; those that did stay",
      (command) => command.positional("key", key).options({ id }),
      run(async (session, flags) => {
        const request = { id: await keyId(session, flags), tailnet: session.tailnet };
        await (await session.api()).headscale.expirePreAuthKey(request);
        await session.output.done("Key expired");
      }),
    )
    .command(
      ["delete [key]", "del", "rm", "d"],
      "Remove a key; nodes that joined with it stay",
      (command) => command.positional("key", key).options({ id }),
      run(async (session, flags) => {
        const request = { id: await keyId(session, flags), tailnet: session.tailnet };
        await (await session.api()).headscale.deletePreAuthKey(request);
        await session.output.done("Key deleted");
      }),
    );
}

function createKey(commands: Commands, run: Run): void {
  commands.command(
    ["create", "c", "new"],
    "Make a key and print it: nothing ever shows it again",
    (command) =>
      command.options({
        user: text("Owner by name or id; without tags, the namespace's default owner if not given", "u"),
        reusable: maybe("For more than one node; ephemeral keys are, unless --no-reusable"),
        ephemeral: yes("Its nodes are removed when they have been away"),
        expiration: { ...text("How long nodes can join with it", "e"), default: "1h" },
        tags: texts("Tags of its nodes, which then have no owner"),
      }),
    run(async (session, flags) => {
      const tags = flags.tags ?? [];
      const expiration = timestampFromDate(fromNow(flags.expiration, "--expiration", session.now));
      const user = flags.user === undefined && tags.length > 0 ? 0n : (await owner(session, flags.user)).id;
      const reply = await (await session.api()).headscale.createPreAuthKey({
        user,
        reusable: flags.reusable ?? flags.ephemeral,
        ephemeral: flags.ephemeral,
        expiration,
        aclTags: tags,
        tailnet: session.tailnet,
      });
      const made = expected(reply.preAuthKey);
      await session.output.message(PreAuthKeySchema, made, made.key);
    }),
  );
}

/** @throws {CliError} usage when none is named, not-found when none has this text. */
async function keyId(
  session: Session,
  flags: { readonly id?: string | undefined; readonly key?: string | undefined },
): Promise<bigint> {
  const said = flags.id ?? flags.key;
  if (said === undefined) throw new CliError("usage", "say which key, by --id or by the key itself");
  if (flags.id !== undefined || /^\d{1,20}$/.test(said)) return parseId(said, "--id");
  const { preAuthKeys } = await (await session.api()).headscale.listPreAuthKeys({ tailnet: session.tailnet });
  const found = preAuthKeys.find(({ key }) => isMasked(key, said));
  if (found === undefined) throw new CliError("not-found", "there is no such pre-auth key");
  return found.id;
}

/** Whether the list shows this key as `masked`: its beginning and `***`. */
function isMasked(masked: string, key: string): boolean {
  if (masked === key) return true;
  const beginning = masked.replace(/\*+$/, "");
  return beginning !== masked && beginning !== "" && key.startsWith(beginning);
}

function columns(now: number, everywhere: boolean): Column<PreAuthKey>[] {
  const yes = (has: boolean) => (has ? "yes" : "no");
  return [
    ...(everywhere ? [{ head: "NAMESPACE", cell: ({ tailnet }: PreAuthKey) => tailnet }] : []),
    { head: "ID", cell: ({ id }) => String(id) },
    { head: "KEY", cell: ({ key }) => key },
    { head: "OWNER", cell: ({ aclTags, user }) => (aclTags.length > 0 ? aclTags.join(",") : (user?.name ?? "")) },
    { head: "REUSABLE", cell: ({ reusable }) => yes(reusable) },
    { head: "EPHEMERAL", cell: ({ ephemeral }) => yes(ephemeral) },
    { head: "USED", cell: ({ used }) => yes(used) },
    { head: "EXPIRES", cell: ({ expiration }) => relative(expiration, now) },
    { head: "CREATED AT", cell: ({ createdAt }) => absolute(createdAt), wide: true },
  ];
}
