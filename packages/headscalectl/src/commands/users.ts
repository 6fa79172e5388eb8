import { type User, UserSchema } from "@headscale/gen/headscale/v1/user_pb.ts";
import type { Run } from "#command.ts";
import { CliError } from "#failure.ts";
import { allNamespaces, type Commands, text } from "#flags.ts";
import type { Column } from "#output/table.ts";
import { absolute, relative } from "#output/when.ts";
import { parseId } from "#resolve/node.ts";
import { user } from "#resolve/user.ts";
import type { Session } from "#session.ts";
import { noCommand } from "#usage-failure.ts";
import { expected } from "./expected.ts";

const identifier = text("The user's id", "i");
const name = text("The user's name; here -n says it too");
const oneUser = { identifier, name };

export function users(commands: Commands, run: Run): Commands {
  return commands
    .demandCommand(1, noCommand)
    .command(
      ["create <name>", "c", "new"],
      "Make a user",
      (command) =>
        command.positional("name", { type: "string", demandOption: true, describe: "Login name" }).options({
          "display-name": text("Full name", "d"),
          email: text("E-mail address", "e"),
          "picture-url": text("Address of a picture", "p"),
        }),
      run(async ({ api, output, tailnet }, { name, displayName = "", email = "", pictureUrl = "" }) => {
        if (pictureUrl !== "" && !URL.canParse(pictureUrl)) throw new CliError("usage", "--picture-url: not a URL");
        const request = { name, displayName, email, pictureUrl, tailnet };
        const reply = await (await api()).headscale.createUser(request);
        await output.message(UserSchema, expected(reply.user), "User created");
      }),
    )
    .command(
      ["list", "ls", "show"],
      "List users, or those a filter leaves",
      (command) => command.options({ ...oneUser, email: text("The user's e-mail address", "e"), ...allNamespaces }),
      run(async (session, { identifier, name = "", email = "", ...flags }) => {
        const { headscale } = await session.api();
        const only = identifier === undefined ? { name, email } : { id: parseId(identifier, "--identifier") };
        const reply = await headscale.listUsers({ ...only, tailnet: session.listed(flags) });
        await session.output.list(UserSchema, reply.users, columns(session.now, flags.allNamespaces), "No users.");
      }),
    )
    .command(
      ["destroy [user]", "delete", "rm"],
      "Remove a user who owns no nodes, and the user's pre-auth keys",
      (command) => command.positional("user", { type: "string", describe: "Name" }).options(oneUser),
      run(async (session, flags) => {
        const found = await meant(session, flags);
        const question = `Do you want to remove the user "${found.name}" (${found.id}) and any associated preauthkeys?`;
        if (!(await session.confirm(question))) {
          await session.output.done("User not destroyed");
          return "no";
        }
        await (await session.api()).headscale.deleteUser({ id: found.id, tailnet: found.tailnet || session.tailnet });
        return session.output.done("User destroyed");
      }),
    )
    .command(
      ["rename [user] [new]", "mv"],
      "Change a user's login name",
      (command) =>
        command
          .positional("user", { type: "string", describe: "Name" })
          .positional("new", { type: "string", describe: "Name to give" })
          .options({ ...oneUser, "new-name": text("Name to give", "r") }),
      run(async (session, flags) => {
        const named = flags.identifier !== undefined || flags.name !== undefined;
        const newName = flags.newName ?? (named ? flags.user : flags.new);
        if (newName === undefined) throw new CliError("usage", "say the new name: users rename NAME NEW_NAME");
        const found = await meant(session, named ? { ...flags, user: undefined } : flags);
        const { headscale } = await session.api();
        const reply = await headscale.renameUser({ oldId: found.id, newName, tailnet: session.tailnet });
        await session.output.message(UserSchema, expected(reply.user), "User renamed");
      }),
    )
    .command(
      "set-role <user> <role>",
      "Give a user a role, which a policy's autogroups select by",
      (command) =>
        command
          .positional("user", { type: "string", demandOption: true, describe: "Name" })
          .positional("role", { type: "string", demandOption: true, describe: "owner, admin, member, …" }),
      run(async (session, { user: name, role }) => {
        const { id } = await user(session, { name });
        const reply = await (await session.api()).users.setUserRole({ id, role, tailnet: session.tailnet });
        await session.output.message(UserSchema, expected(reply.user), "User updated");
      }),
    );
}

/** The user that flags or the argument name. */
async function meant(
  session: Session,
  flags: { identifier?: string | undefined; name?: string | undefined; user?: string | undefined },
): Promise<User> {
  const { identifier: id, name = flags.user } = flags;
  if (id === undefined && name === undefined) {
    throw new CliError("usage", "say which user: by name, or by id with --identifier");
  }
  return user(session, { id, name });
}

function columns(now: number, everywhere: boolean): Column<User>[] {
  return [
    ...(everywhere ? [{ head: "NAMESPACE", cell: ({ tailnet }: User) => tailnet }] : []),
    { head: "ID", cell: ({ id }) => String(id) },
    { head: "USERNAME", cell: ({ name }) => name },
    { head: "NAME", cell: ({ displayName }) => displayName },
    { head: "EMAIL", cell: ({ email }) => email },
    { head: "ROLE", cell: ({ role }) => role, wide: true },
    { head: "PROVIDER", cell: ({ provider }) => provider, wide: true },
    { head: "PROVIDER ID", cell: ({ providerId }) => providerId, wide: true },
    { head: "CREATED", cell: ({ createdAt }) => relative(createdAt, now) },
    { head: "CREATED AT", cell: ({ createdAt }) => absolute(createdAt), wide: true },
  ];
}
