import { NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import { CliError } from "#failure.ts";
import { type Commands, splitList, texts } from "#flags.ts";
import { nodeId } from "#resolve/node.ts";
import { expected } from "./expected.ts";
import { identifier, nodeAndRest, nodeArgument } from "./node-argument.ts";

const list = (describe: string) => ({ type: "string", array: true, describe }) as const;

export function tagNode(commands: Commands, run: Run): void {
  commands.command(
    ["tag [node] [tag..]", "tags", "t"],
    "Replace a node's tags; it then belongs to them and no longer to a user",
    (command) =>
      command
        .positional("node", nodeArgument)
        .positional("tag", list("Such as tag:server"))
        .options({ ...identifier, tags: texts("Tags", "t") }),
    run(async (session, flags) => {
      const { node, rest } = nodeAndRest(flags, flags.tag);
      const tags = [...(flags.tags ?? []), ...splitList(rest)];
      const request = { nodeId: await nodeId(session, node), tags, tailnet: session.tailnet };
      const reply = await (await session.api()).headscale.setTags(request);
      await session.output.message(NodeSchema, expected(reply.node), "Node updated");
    }),
  );
}

export function approveRoutes(commands: Commands, run: Run): void {
  commands.command(
    "approve-routes [node] [prefix..]",
    'Replace the set of routes a node may serve; --routes "" empties it',
    (command) =>
      command
        .positional("node", nodeArgument)
        .positional("prefix", list("Such as 10.0.0.0/8; 0.0.0.0/0 makes an exit node"))
        .options({ ...identifier, routes: texts("Prefixes", "r") }),
    run(async (session, flags) => {
      const { node, rest } = nodeAndRest(flags, flags.prefix);
      if (flags.routes === undefined && rest.length === 0) {
        throw new CliError("usage", 'say the routes, or --routes "" for none');
      }
      const routes = [...(flags.routes ?? []), ...splitList(rest)];
      const request = { nodeId: await nodeId(session, node), routes, tailnet: session.tailnet };
      const reply = await (await session.api()).headscale.setApprovedRoutes(request);
      await session.output.message(NodeSchema, expected(reply.node), "Node updated");
    }),
  );
}

export function backfillAddresses(commands: Commands, run: Run): void {
  commands.command(
    "backfillips",
    "Give nodes the addresses that the configured prefixes promise, and take others away",
    (command) => command,
    run(async (session) => {
      if (!(await session.confirm("Are you sure that you want to assign/remove IPs to/from nodes?"))) return "no";
      const request = { confirmed: true, tailnet: session.tailnet };
      const { changes } = await (await session.api()).headscale.backfillNodeIPs(request);
      return session.output.value([...changes], [...changes, "Node IPs backfilled successfully"].join("\n"));
    }),
  );
}
