import { toContractJson } from "@headscale/gen/contract-json";
import { PingNodeResponseSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";
import { plain } from "#output/table.ts";
import { node as nodeBy } from "#resolve/node.ts";
import { expected } from "./expected.ts";

export function ping(commands: Commands, run: Run): Commands {
  return commands.command(
    "$0 <node>",
    "Ask a node, over its control connection, whether it is there",
    (command) =>
      command.positional("node", { type: "string", demandOption: true, describe: "Node by name, id or address" }),
    run(async (session, { node }) => {
      const found = await nodeBy(session, node);
      const reply = await (await session.api()).nodes.pingNode({ nodeId: found.id, tailnet: session.tailnet });
      const { seconds, nanos } = expected(reply.latency);
      const ms = Number(seconds) * 1000 + nanos / 1_000_000;
      const name = plain(found.givenName || found.name);
      const text = `pong from ${name} (${found.ipAddresses[0] ?? "no address"}) in ${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
      await session.output.value(toContractJson(PingNodeResponseSchema, reply), text);
    }),
  );
}
