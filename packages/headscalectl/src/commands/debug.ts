import { NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import { type Commands, text, texts } from "#flags.ts";
import { noCommand } from "#usage-failure.ts";
import { expected } from "./expected.ts";

export function debug(commands: Commands, run: Run): Commands {
  return commands.demandCommand(1, noCommand).command(
    "create-node",
    "Leave a made-up machine waiting for registration under an id of your choice",
    (command) =>
      command
        .options({
          name: text("Host name"),
          user: text("Owner's name", "u"),
          key: text("The id", "k"),
          route: texts("Prefix it announces", "r"),
        })
        .demandOption(["name", "user", "key"]),
    run(async ({ api, output, tailnet }, { name, user, key, route = [] }) => {
      const reply = await (await api()).headscale.debugCreateNode({ name, user, key, routes: route, tailnet });
      await output.message(NodeSchema, expected(reply.node), "Node created");
    }),
  );
}
