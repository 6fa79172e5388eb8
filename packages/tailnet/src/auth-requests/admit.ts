import type { Circumstances, Draft } from "#change/decide.ts";
import { assertNodeKeyFree, enrol, ownerWithTags, reauthenticate } from "#nodes/enrol.ts";
import { type Node, type NodeOwner, type RegisterMethod, userIdOf } from "#nodes/node.ts";
import type { Registrant } from "#nodes/registrant.ts";
import { assertWished } from "#nodes/tailnet-wish.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { User } from "#users/user.ts";
import { type AuthRequestId, type NodeId, serverScope } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import type { AuthRequest } from "./auth-request.ts";

export interface AdmissionTerms {
  readonly method: RegisterMethod;
  /** Key expiry from the login token, ms since the epoch. */
  readonly expiry?: number;
}

/** The machine that waits becomes a node of `user`: a new one, or the one it was before. @throws {TailnetError} */
export function admit(
  draft: Draft,
  given: Circumstances,
  request: AuthRequest,
  user: User,
  { method, expiry }: AdmissionTerms,
): Node {
  if (request.purpose.kind !== "register") {
    throw new TailnetError("argument-invalid", "this auth id is an SSH check: approve or reject it instead");
  }
  const { world } = draft;
  assertWished(world, given.settings, request.purpose.wish, user.tailnet);
  const { kind: _kind, expiry: wantedExpiry, ...asked } = request.purpose;
  const who: Registrant = { ...asked, ...(wantedExpiry !== undefined && { expiry: wantedExpiry }) };
  assertNodeKeyFree(world, who);
  const asUser: NodeOwner = { kind: "user", userId: user.id };
  const owner = ownerWithTags(given, user.tailnet, asUser, who.hostinfo.RequestTags ?? []);
  const existing = nodeToReauthenticate(world, who, user, owner);
  const admission = {
    tailnet: user.tailnet,
    owner,
    method,
    ephemeral: who.ephemeral,
    ...(expiry !== undefined && { expiry }),
  };
  assertKeyIsOnlyOf(existing, world, who);
  const node = existing ? reauthenticate(draft, given, existing, who, admission) : enrol(draft, given, who, admission);
  settle(draft, request, "accepted", node.id);
  return node;
}

/** The machine's node of this user, else its tagged one (which the login converts). */
export function nodeToReauthenticate(
  world: World,
  who: Pick<Registrant, "machineKey">,
  user: Pick<User, "id" | "tailnet">,
  owner: NodeOwner,
): Node | undefined {
  const ids = world.index.nodesByMachineKey.get(who.machineKey) ?? [];
  const mine = ids.flatMap((id) => world.nodes.get(id) ?? []).filter((node) => node.tailnet === user.tailnet);
  const own = mine.find((node) => userIdOf(node) === user.id);
  const tagged = mine.find((node) => node.owner.kind === "tags");
  return owner.kind === "tags" ? (tagged ?? own) : (own ?? tagged);
}

/** A node key names one node: the same machine must not use it for two. */
function assertKeyIsOnlyOf(existing: Node | undefined, world: World, who: Registrant): void {
  const holder = world.index.nodeByNodeKey.get(who.nodeKey);
  if (holder === undefined || holder === existing?.id) return;
  throw new TailnetError(
    "node-key-in-use",
    "this machine uses the same node key for another node: run tailscale logout there first",
  );
}

/** The request that still waits. @throws {TailnetError} "auth-request-not-found" */
export function openRequest(world: World, given: Pick<Circumstances, "now">, authId: AuthRequestId): AuthRequest {
  const request = world.authRequests.get(authId);
  if (!request || request.expiresAt <= given.now) {
    throw new TailnetError(
      "auth-request-not-found",
      "no login waits under this auth id: it may have run out, run tailscale up again",
    );
  }
  if (request.verdict !== "pending") {
    throw new TailnetError("auth-request-not-found", `this auth id was already ${request.verdict}`);
  }
  return request;
}

export function settle(
  draft: Draft,
  request: AuthRequest,
  verdict: "accepted" | "rejected",
  nodeId?: NodeId,
): AuthRequest {
  const after: AuthRequest = { ...request, verdict, ...(nodeId !== undefined && { nodeId }) };
  draft.add({ subject: "auth-request", tailnet: serverScope, kind: `auth-request-${verdict}`, id: request.id, after });
  return after;
}
