import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";
import { noCommand } from "#usage-failure.ts";
import { deleteNode, expireNode, registerNode, renameNode } from "./nodes-life.ts";
import { listNodes, showNode } from "./nodes-list.ts";
import { approveRoutes, backfillAddresses, tagNode } from "./nodes-set.ts";
import { listRoutes } from "./routes.ts";

export function nodes(commands: Commands, run: Run): Commands {
  commands.demandCommand(1, noCommand);
  const verbs = [listNodes, showNode, registerNode, renameNode, expireNode, deleteNode, tagNode, approveRoutes];
  for (const define of verbs) define(commands, run);
  listRoutes(["list-routes [node]", "lsr", "routes"], commands, run);
  backfillAddresses(commands, run);
  return commands;
}
