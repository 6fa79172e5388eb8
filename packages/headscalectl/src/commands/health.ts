import { HealthResponseSchema } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";

export function health(commands: Commands, run: Run): Commands {
  return commands.command(
    "$0",
    "Whether the server can do its work; exits with 1 if it answers no",
    (command) => command,
    run(async ({ api, output }) => {
      const reply = await (await api()).headscale.health({});
      const healthy = reply.databaseConnectivity;
      const server = `headscale ${reply.version}`.trim();
      await output.message(
        HealthResponseSchema,
        reply,
        `${server} ${healthy ? "is healthy" : "cannot reach its database"}`,
      );
      return healthy ? undefined : "no";
    }),
  );
}
