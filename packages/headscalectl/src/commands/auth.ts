import { NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import { type Commands, text } from "#flags.ts";
import { owner } from "#resolve/user.ts";
import { noCommand } from "#usage-failure.ts";
import { authId } from "./auth-id.ts";
import { expected } from "./expected.ts";

const argument = { type: "string", describe: "The id that the login page shows, or the page's address" } as const;
// A flag of the argument's own name would take its place.
const flag = { "auth-id": text("The same as a flag") } as const;

export function auth(commands: Commands, run: Run): Commands {
  return commands
    .demandCommand(1, noCommand)
    .command(
      "register [id]",
      "Let the waiting machine join as a user's node",
      (command) =>
        command
          .positional("id", argument)
          .options({ ...flag, user: text("Owner; the namespace's default owner if not given", "u") }),
      run(async (session, flags) => {
        const id = authId(flags.authId ?? flags.id);
        const user = flags.user ?? (await owner(session, undefined)).name;
        const reply = await (await session.api()).headscale.authRegister({
          user,
          authId: id,
          tailnet: session.tailnet,
        });
        const node = expected(reply.node);
        await session.output.message(NodeSchema, node, `Node ${node.givenName || node.name} registered`);
      }),
    )
    .command(
      "approve [id]",
      "Say yes, such as to an SSH session that has to be confirmed",
      (command) => command.positional("id", argument).options(flag),
      run(async ({ api, output, tailnet }, flags) => {
        await (await api()).headscale.authApprove({ authId: authId(flags.authId ?? flags.id), tailnet });
        await output.done("Auth request approved");
      }),
    )
    .command(
      "reject [id]",
      "Say no",
      (command) => command.positional("id", argument).options(flag),
      run(async ({ api, output, tailnet }, flags) => {
        await (await api()).headscale.authReject({ authId: authId(flags.authId ?? flags.id), tailnet });
        await output.done("Auth request rejected");
      }),
    );
}
