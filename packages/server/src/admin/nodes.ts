import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { NodeSchema, type NodeService } from "@headscale/gen/headscale/v1/node_pb.ts";
import { NetipError, type Prefix, parsePrefix } from "@headscale/netip";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { type Command, type Node, nodesOf, parseAuthRequestId, TailnetError, userIdOf } from "@headscale/tailnet";
import {
  backfillAddresses,
  deleteNode,
  disableExpiry,
  expireNode,
  openAuthRequest,
  renameNode,
  setApprovedRoutes,
  setTags,
  tailnetNamed,
} from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import { actorOf, nodeOf, tailnetsNamed, userNamed } from "./scope.ts";
import { toNode, toUser } from "./to-proto.ts";

type NodeRpcs = Pick<
  ServiceImpl<typeof HeadscaleService>,
  | "getNode"
  | "listNodes"
  | "setTags"
  | "setApprovedRoutes"
  | "deleteNode"
  | "expireNode"
  | "renameNode"
  | "backfillNodeIPs"
  | "debugCreateNode"
>;

/** @throws {TailnetError} naming the text that is no prefix. */
function parseRoutes(texts: readonly string[]): readonly Prefix[] {
  return texts.map((text) => {
    try {
      return parsePrefix(text.trim(), { hostBits: "mask" });
    } catch (cause) {
      if (!(cause instanceof NetipError)) throw cause;
      throw new TailnetError("argument-invalid", `routes: "${text}" is not a prefix such as 192.168.1.0/24`, { cause });
    }
  });
}

export function nodeRpcs(live: Live): NodeRpcs {
  const run = async (command: Command<Node>, context: HandlerContext) => ({
    node: toNode(live, await live.execute(command, actorOf(context)), { inList: false }),
  });
  return {
    getNode: (request) => ({ node: toNode(live, nodeOf(live, request.nodeId, request.tailnet), { inList: false }) }),
    listNodes(request) {
      const tailnets = tailnetsNamed(live, request.tailnet);
      const nodes = tailnets.flatMap((tailnet) => {
        const owner = request.user === "" ? undefined : userNamed(live, tailnet, request.user).id;
        return nodesOf(live.world, tailnet.id).filter((node) => owner === undefined || userIdOf(node) === owner);
      });
      return { nodes: nodes.sort((a, b) => a.id - b.id).map((node) => toNode(live, node, { inList: true })) };
    },
    setTags: (request, context) =>
      run(setTags(nodeOf(live, request.nodeId, request.tailnet).id, request.tags), context),
    setApprovedRoutes: (request, context) =>
      run(setApprovedRoutes(nodeOf(live, request.nodeId, request.tailnet).id, parseRoutes(request.routes)), context),
    async deleteNode(request, context) {
      await live.execute(deleteNode(nodeOf(live, request.nodeId, request.tailnet).id), actorOf(context));
      return {};
    },
    expireNode(request, context) {
      const { id } = nodeOf(live, request.nodeId, request.tailnet);
      if (request.disableExpiry && request.expiry) {
        throw new TailnetError("argument-invalid", "give either expiry or disable_expiry, not both");
      }
      if (request.disableExpiry) return run(disableExpiry(id), context);
      return run(expireNode(id, request.expiry && timestampMs(request.expiry)), context);
    },
    renameNode: (request, context) =>
      run(renameNode(nodeOf(live, request.nodeId, request.tailnet).id, request.newName), context),
    async backfillNodeIPs(request, context) {
      if (!request.confirmed) throw new TailnetError("argument-invalid", "not confirmed, aborting");
      const ids = tailnetsNamed(live, request.tailnet).map(({ id }) => id);
      return { changes: [...(await live.execute(backfillAddresses(ids), actorOf(context)))] };
    },
    async debugCreateNode(request, context) {
      const user = userNamed(live, tailnetNamed(live.world, request.tailnet), request.user);
      const purpose = {
        kind: "register",
        machineKey: MachineKey.fromBytes(randomBytes(32)),
        nodeKey: NodeKey.fromBytes(randomBytes(32)),
        hostinfo: { Hostname: request.name, OS: "TestOS", RoutableIPs: parseRoutes(request.routes) },
        ephemeral: false,
      } as const;
      await live.execute(openAuthRequest(parseAuthRequestId(request.key), purpose), actorOf(context));
      const { machineKey, nodeKey } = purpose;
      const shown = { machineKey, nodeKey, name: request.name, givenName: request.name, user: toUser(live, user) };
      return { node: create(NodeSchema, { ...shown, availableRoutes: request.routes }) };
    },
  };
}

/** Asks a node something over its map stream; rejects with a code of its own. */
export interface NodePinger {
  request(id: Node["id"], path: string, body: string, timeoutMs: number): Promise<{ readonly roundTripMs: number }>;
}

export function nodeService(live: Live, pinger: NodePinger, timeoutMs: number): ServiceImpl<typeof NodeService> {
  return {
    async pingNode(request) {
      const { id } = nodeOf(live, request.nodeId, request.tailnet);
      try {
        const { roundTripMs } = await pinger.request(id, "/echo", "headscale", timeoutMs);
        return { latency: durationFromMs(roundTripMs) };
      } catch (error) {
        const { code, message } = error as { readonly code?: string; readonly message: string };
        if (code === "not-connected") throw new ConnectError(message, Code.Unavailable);
        if (code === "timeout") throw new ConnectError(message, Code.DeadlineExceeded);
        throw error;
      }
    },
  };
}
