import { type Node, NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import { allNamespaces, type Commands, splitList, texts } from "#flags.ts";
import { type Column, table } from "#output/table.ts";
import { node as nodeBy } from "#resolve/node.ts";
import type { Session } from "#session.ts";
import { noCommand } from "#usage-failure.ts";
import { expected } from "./expected.ts";
import { identifier, nodeAndRest, nodeArgument } from "./node-argument.ts";

const prefixes = { type: "string", array: true, describe: "Such as 10.0.0.0/8" } as const;
const exitRoutes = ["0.0.0.0/0", "::/0"];

export function routes(commands: Commands, run: Run): Commands {
  commands.demandCommand(1, noCommand);
  listRoutes(["list [node]", "ls", "show"], commands, run);
  return commands
    .command(
      "enable [node] [prefix..]",
      "Let a node serve these routes beside those it may serve",
      (command) =>
        command
          .positional("node", nodeArgument)
          .positional("prefix", prefixes)
          .options({ ...identifier, route: texts("Prefixes", "r") }),
      run(async (session, flags) => {
        const { node, rest } = nodeAndRest(flags, flags.prefix);
        const wanted = [...(flags.route ?? []), ...splitList(rest)];
        await change(session, node, (approved) => [...approved, ...wanted], `Enabled route ${wanted.join(", ")}`);
      }),
    )
    .command(
      "disable [node] [prefix..]",
      "No longer let a node serve these routes",
      (command) =>
        command
          .positional("node", nodeArgument)
          .positional("prefix", prefixes)
          .options({ ...identifier, route: texts("Prefixes", "r") }),
      run(async (session, flags) => {
        const { node, rest } = nodeAndRest(flags, flags.prefix);
        const named = [...(flags.route ?? []), ...splitList(rest)];
        // An exit node serves both families or none.
        const gone = named.some((prefix) => exitRoutes.includes(prefix)) ? [...named, ...exitRoutes] : named;
        const keep = (approved: readonly string[]) => approved.filter((prefix) => !gone.includes(prefix));
        await change(session, node, keep, `Disabled route ${named.join(", ")}`);
      }),
    );
}

async function change(
  session: Session,
  reference: string,
  edit: (approved: readonly string[]) => readonly string[],
  done: string,
): Promise<void> {
  const { headscale } = await session.api();
  const found = await nodeBy(session, reference);
  const wanted = [...new Set(edit(found.approvedRoutes))];
  const request = { nodeId: found.id, routes: wanted, tailnet: session.tailnet };
  const node = expected((await headscale.setApprovedRoutes(request)).node);
  await session.output.message(NodeSchema, node, done);
  const unannounced = node.approvedRoutes.filter(
    (prefix) => !found.approvedRoutes.includes(prefix) && !node.availableRoutes.includes(prefix),
  );
  if (unannounced.length > 0) session.output.note(`Not announced by the node so far: ${unannounced.join(", ")}`);
}

/** `routes list` and `nodes list-routes`. */
export function listRoutes(names: readonly string[], commands: Commands, run: Run): void {
  commands.command(
    names,
    "List the routes that nodes announce or may serve",
    (command) => command.positional("node", nodeArgument).options({ ...identifier, ...allNamespaces }),
    run(async (session, flags) => {
      const one = flags.node !== undefined || flags.identifier !== undefined;
      const nodes = one
        ? [await nodeBy(session, nodeAndRest(flags).node)]
        : (await (await session.api()).headscale.listNodes({ tailnet: session.listed(flags) })).nodes;
      const routers = nodes.filter((node) => routesOf(node).length > 0);
      if (session.output.forMachines) return session.output.list(NodeSchema, routers, [], "");
      if (routers.length === 0) return session.output.note("No routes.");
      return session.output.line(table(columns(flags.allNamespaces), routers.flatMap(routesOf)));
    }),
  );
}

interface RouteRow {
  readonly node: Node;
  readonly prefix: string;
}

function routesOf(node: Node): RouteRow[] {
  return [...new Set([...node.availableRoutes, ...node.approvedRoutes])].map((prefix) => ({ node, prefix }));
}

function columns(everywhere: boolean): Column<RouteRow>[] {
  const yes = (has: boolean) => (has ? "yes" : "no");
  return [
    ...(everywhere ? [{ head: "NAMESPACE", cell: ({ node }: RouteRow) => node.tailnet }] : []),
    { head: "ID", cell: ({ node }) => String(node.id) },
    { head: "NODE", cell: ({ node }) => node.givenName || node.name },
    { head: "PREFIX", cell: ({ prefix }) => prefix },
    { head: "ANNOUNCED", cell: ({ node, prefix }) => yes(node.availableRoutes.includes(prefix)) },
    { head: "APPROVED", cell: ({ node, prefix }) => yes(node.approvedRoutes.includes(prefix)) },
    { head: "SERVING", cell: ({ node, prefix }) => yes(node.subnetRoutes.includes(prefix)) },
  ];
}
