import { type Tailnet, TailnetSchema } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";
import type { Column } from "#output/table.ts";
import { relative } from "#output/when.ts";
import { noCommand } from "#usage-failure.ts";
import { expected } from "./expected.ts";

const nameOf = { type: "string", demandOption: true, describe: "The namespace's name" } as const;

export function namespace(commands: Commands, run: Run): Commands {
  return commands
    .demandCommand(1, noCommand)
    .command(
      ["create <name>", "c", "new"],
      "Make a namespace, with a user of the same name who owns what names no user",
      (command) => command.positional("name", nameOf),
      run(async ({ api, output }, { name }) => {
        const { tailnet } = await (await api()).tailnets.createTailnet({ name });
        await output.message(TailnetSchema, expected(tailnet), "Namespace created");
      }),
    )
    .command(
      ["list", "ls"],
      "List namespaces",
      (command) => command,
      run(async ({ api, output, now }) => {
        const { tailnets } = await (await api()).tailnets.listTailnets({});
        await output.list(TailnetSchema, tailnets, columns(now), "No namespaces.");
      }),
    )
    .command(
      ["show <name>", "get"],
      "Show a namespace",
      (command) => command.positional("name", nameOf),
      run(async ({ api, output, now }, { name }) => {
        const { tailnet } = await (await api()).tailnets.getTailnet({ tailnet: name });
        if (output.forMachines) await output.message(TailnetSchema, expected(tailnet), "");
        else await output.list(TailnetSchema, [expected(tailnet)], columns(now), "");
      }),
    )
    .command(
      ["rename <name> <new-name>", "mv"],
      "Give a namespace another name; its nodes' names change with it",
      (command) =>
        command.positional("name", nameOf).positional("new-name", { ...nameOf, describe: "The name to give" }),
      run(async ({ api, output }, { name, newName }) => {
        const { tailnet } = await (await api()).tailnets.renameTailnet({ tailnet: name, newName });
        await output.message(TailnetSchema, expected(tailnet), "Namespace renamed");
      }),
    )
    .command(
      ["destroy <name>", "delete", "rm"],
      "Remove a namespace that has no nodes, with its users, keys and policy",
      (command) => command.positional("name", nameOf),
      run(async ({ api, output }, { name }) => {
        await (await api()).tailnets.deleteTailnet({ tailnet: name });
        await output.done("Namespace destroyed");
      }),
    );
}

function columns(now: number): Column<Tailnet>[] {
  return [
    { head: "ID", cell: ({ id }) => String(id) },
    { head: "NAME", cell: ({ name }) => name },
    { head: "OWNER", cell: ({ defaultOwner }) => defaultOwner?.name ?? "" },
    { head: "USERS", cell: ({ userCount }) => String(userCount) },
    { head: "NODES", cell: ({ nodeCount }) => String(nodeCount) },
    { head: "REVISION", cell: ({ revision }) => String(revision) },
    { head: "CREATED", cell: ({ createdAt }) => relative(createdAt, now) },
  ];
}
