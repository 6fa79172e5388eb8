import { type Node, NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { Run } from "#command.ts";
import { allNamespaces, type Commands, text } from "#flags.ts";
import type { Column } from "#output/table.ts";
import { absolute, isPast, relative } from "#output/when.ts";
import { node as nodeBy } from "#resolve/node.ts";
import type { Session } from "#session.ts";
import { identifier, nodeAndRest, nodeArgument } from "./node-argument.ts";

const listOptions = { user: text("Only this user's nodes", "u"), ...allNamespaces } as const;

export function listNodes(commands: Commands, run: Run): void {
  commands.command(
    ["list", "ls"],
    "List nodes",
    (command) => command.options(listOptions),
    run((session, flags) => printList(session, flags)),
  );
}

export function showNode(commands: Commands, run: Run): void {
  commands.command(
    ["show [node]", "get"],
    "Show all about a node; without one, list them",
    (command) => command.positional("node", nodeArgument).options({ ...identifier, ...listOptions }),
    run(async (session, flags) => {
      // headscale's `show` is its `list`.
      if (flags.node === undefined && flags.identifier === undefined) return printList(session, flags);
      const found = await nodeBy(session, nodeAndRest(flags).node);
      const lines = columns(session.now, true).map(({ head, cell }) => `${head.padEnd(14)} ${cell(found) || "-"}`);
      return session.output.message(NodeSchema, found, lines.join("\n"));
    }),
  );
}

async function printList(
  session: Session,
  flags: { readonly user?: string | undefined; readonly allNamespaces: boolean },
): Promise<void> {
  const { headscale } = await session.api();
  const { nodes } = await headscale.listNodes({ user: flags.user ?? "", tailnet: session.listed(flags) });
  await session.output.list(NodeSchema, nodes, columns(session.now, flags.allNamespaces), "No nodes.");
}

function columns(now: number, everywhere: boolean): Column<Node>[] {
  return [
    ...(everywhere ? [{ head: "NAMESPACE", cell: ({ tailnet }: Node) => tailnet }] : []),
    { head: "ID", cell: ({ id }) => String(id) },
    { head: "NAME", cell: ({ givenName, name }) => givenName || name },
    { head: "OWNER", cell: ({ tags, user }) => (tags.length > 0 ? tags.join(",") : (user?.name ?? "")) },
    { head: "ADDRESS", cell: ({ ipAddresses }) => ipAddresses[0] ?? "" },
    { head: "STATUS", cell: (node) => status(node, now) },
    { head: "LAST SEEN", cell: ({ online, lastSeen }) => (online ? "now" : relative(lastSeen, now)) },
    { head: "EXPIRES", cell: ({ expiry }) => relative(expiry, now) || "never" },
    { head: "HOSTNAME", cell: ({ name }) => name, wide: true },
    { head: "ADDRESSES", cell: ({ ipAddresses }) => ipAddresses.join(","), wide: true },
    { head: "EPHEMERAL", cell: ({ ephemeral, preAuthKey }) => yes(ephemeral || preAuthKey?.ephemeral), wide: true },
    { head: "OS", cell: ({ os, osVersion }) => `${os} ${osVersion}`.trim(), wide: true },
    { head: "VERSION", cell: ({ clientVersion }) => clientVersion, wide: true },
    { head: "ROUTES", cell: ({ subnetRoutes }) => subnetRoutes.join(","), wide: true },
    { head: "MACHINE KEY", cell: ({ machineKey }) => shortKey(machineKey), wide: true },
    { head: "NODE KEY", cell: ({ nodeKey }) => shortKey(nodeKey), wide: true },
    { head: "CREATED AT", cell: ({ createdAt }) => absolute(createdAt), wide: true },
  ];
}

function status({ online, expired, expiry }: Node, now: number): string {
  if (expired || isPast(expiry, now)) return "expired";
  return online ? "online" : "offline";
}

function yes(value: boolean | undefined): string {
  return value ? "yes" : "no";
}

/** `[AbCdE]`: enough of a key to recognise it, as Tailscale's own tools print it. */
function shortKey(key: string): string {
  const hex = key.slice(key.indexOf(":") + 1);
  return hex === "" ? "" : `[${Buffer.from(hex, "hex").toString("base64").slice(0, 5)}]`;
}
