import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import { CliError } from "#failure.ts";
import { type Commands, maybe, text } from "#flags.ts";
import { node as nodeBy, nodeId } from "#resolve/node.ts";
import { owner } from "#resolve/user.ts";
import { authId } from "./auth-id.ts";
import { expected } from "./expected.ts";
import { identifier, nodeAndRest, nodeArgument } from "./node-argument.ts";

export function registerNode(commands: Commands, run: Run): void {
  commands.command(
    "register [auth-id]",
    "Let the machine join that waits with this id, which its login page shows",
    (command) =>
      command
        .positional("auth-id", { type: "string", describe: "The id, or the page's address" })
        .options({ user: text("Owner; the namespace's default owner if not given", "u"), key: text("The id", "k") }),
    run(async (session, flags) => {
      const key = authId(flags.key ?? flags.authId);
      const user = flags.user ?? (await owner(session, undefined)).name;
      const reply = await (await session.api()).headscale.registerNode({ user, key, tailnet: session.tailnet });
      const node = expected(reply.node);
      await session.output.message(NodeSchema, node, `Node ${node.givenName || node.name} registered`);
    }),
  );
}

export function renameNode(commands: Commands, run: Run): void {
  commands.command(
    ["rename [node] [new-name]", "mv"],
    "Give a node another name",
    (command) =>
      command
        .positional("node", nodeArgument)
        .positional("new-name", { type: "string", describe: "Name to give" })
        .options(identifier),
    run(async (session, flags) => {
      const { node, rest } = nodeAndRest(flags, flags.newName === undefined ? [] : [flags.newName]);
      const [newName, ...more] = rest;
      if (newName === undefined || more.length > 0) {
        throw new CliError("usage", "say the node and its new name: nodes rename NODE NEW_NAME");
      }
      const id = await nodeId(session, node);
      const reply = await (await session.api()).headscale.renameNode({ nodeId: id, newName, tailnet: session.tailnet });
      await session.output.message(NodeSchema, expected(reply.node), "Node renamed");
    }),
  );
}

export function expireNode(commands: Commands, run: Run): void {
  commands.command(
    ["expire [node]", "logout", "exp", "e"],
    "Log a node out: now, later, or never",
    (command) =>
      command
        .positional("node", nodeArgument)
        .options({
          ...identifier,
          expiry: text("When, such as 2030-01-31T12:00:00Z; now if not given", "e"),
          disable: maybe("Never", "d"),
        })
        .conflicts("expiry", "disable"),
    run(async (session, { expiry, disable, ...flags }) => {
      const id = await nodeId(session, nodeAndRest(flags).node);
      const when = expiry === undefined ? {} : { expiry: timestampFromDate(parseTime(expiry, "--expiry")) };
      const request = { nodeId: id, disableExpiry: disable ?? false, ...when, tailnet: session.tailnet };
      const reply = await (await session.api()).headscale.expireNode(request);
      const done = disable ? "Node expiry disabled" : expiry === undefined ? "Node expired" : "Node expiration updated";
      await session.output.message(NodeSchema, expected(reply.node), done);
    }),
  );
}

export function deleteNode(commands: Commands, run: Run): void {
  commands.command(
    ["delete [node]", "del", "rm"],
    "Remove a node",
    (command) => command.positional("node", nodeArgument).options(identifier),
    run(async (session, flags) => {
      const found = await nodeBy(session, nodeAndRest(flags).node);
      if (!(await session.confirm(`Do you want to remove the node ${found.givenName || found.name}?`))) {
        await session.output.done("Node not deleted");
        return "no";
      }
      await (await session.api()).headscale.deleteNode({ nodeId: found.id, tailnet: session.tailnet });
      return session.output.done("Node deleted");
    }),
  );
}

/** @throws {CliError} usage, naming the flag. */
export function parseTime(text: string, flag: string): Date {
  const date = new Date(text);
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new CliError("usage", `${flag}: not a time, write one like 2030-01-31T12:00:00Z`);
}
