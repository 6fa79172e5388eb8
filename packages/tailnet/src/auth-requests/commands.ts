import { type Circumstances, type Command, Draft } from "#change/decide.ts";
import { assertNodeKeyFree, enrol, ownerWithTags, reauthenticate } from "#nodes/enrol.ts";
import { type Node, type NodeOwner, type RegisterMethod, userIdOf } from "#nodes/node.ts";
import type { Registrant } from "#nodes/registrant.ts";
import { assertWished } from "#nodes/tailnet-wish.ts";
import { TailnetError } from "#tailnet-error.ts";
import { userIn } from "#users/commands.ts";
import type { User } from "#users/user.ts";
import { type AuthRequestId, type NodeId, serverScope } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import type { AuthPurpose, AuthRequest } from "./auth-request.ts";
import { addAuthRequest } from "./request-login.ts";

export interface Approval {
  readonly authId: AuthRequestId;
  /** Who the node will belong to. */
  readonly user: User;
  readonly method: RegisterMethod;
  /** Key expiry from the login token, ms since the epoch. */
  readonly expiry?: number;
}

/** Lets a waiting machine in as a node of `user`, if that user is still there. @throws {TailnetError} */
export function completeRegistration({ authId, user, method, expiry }: Approval): Command<Node> {
  return (world, given) => {
    const request = openRequest(world, given, authId);
    if (request.purpose.kind !== "register") {
      throw new TailnetError("argument-invalid", "this auth id is an SSH check: approve or reject it instead");
    }
    const { id: userId, tailnet } = userIn(world, user.id);
    assertWished(world, given.settings, request.purpose.wish, tailnet);
    const { kind: _kind, expiry: wantedExpiry, ...asked } = request.purpose;
    const who: Registrant = { ...asked, ...(wantedExpiry !== undefined && { expiry: wantedExpiry }) };
    assertNodeKeyFree(world, who);
    const draft = new Draft(world);
    const owner = ownerWithTags(given, tailnet, { kind: "user", userId }, who.hostinfo.RequestTags ?? []);
    const existing = nodeToReauthenticate(world, who, user, owner);
    const admission = {
      tailnet,
      owner,
      method,
      ephemeral: who.ephemeral,
      ...(expiry !== undefined && { expiry }),
    };
    freeKeyOf(draft, who, existing);
    const node = existing
      ? reauthenticate(draft, given, existing, who, admission)
      : enrol(draft, given, who, admission);
    settle(draft, request, "accepted", node.id);
    return draft.decision(node);
  };
}

/** The machine's node of this user, else its tagged one (which the login converts). */
function nodeToReauthenticate(world: World, who: Registrant, user: User, owner: NodeOwner): Node | undefined {
  const ids = world.index.nodesByMachineKey.get(who.machineKey) ?? [];
  const mine = ids.flatMap((id) => world.nodes.get(id) ?? []).filter((node) => node.tailnet === user.tailnet);
  const own = mine.find((node) => userIdOf(node) === user.id);
  const tagged = mine.find((node) => node.owner.kind === "tags");
  return owner.kind === "tags" ? (tagged ?? own) : (own ?? tagged);
}

/** Another node of the same machine that still holds this node key has lost it: the machine is moving. */
function freeKeyOf(draft: Draft, who: Registrant, existing: Node | undefined): void {
  const holder = draft.world.index.nodeByNodeKey.get(who.nodeKey);
  if (holder === undefined || holder === existing?.id) return;
  throw new TailnetError(
    "node-key-in-use",
    "this machine uses the same node key for another node: run tailscale logout there first",
  );
}

/** Accepts a waiting SSH check, or tells a waiting machine to start over. @throws {TailnetError} */
export function approveRequest(authId: AuthRequestId): Command<AuthRequest> {
  return (world, given) => {
    const draft = new Draft(world);
    return draft.decision(settle(draft, openRequest(world, given, authId), "accepted"));
  };
}

/** @throws {TailnetError} */
export function rejectRequest(authId: AuthRequestId): Command<AuthRequest> {
  return (world, given) => {
    const draft = new Draft(world);
    return draft.decision(settle(draft, openRequest(world, given, authId), "rejected"));
  };
}

/** Makes a pending request of its own: SSH checks, and nodes made up for debugging. @throws {TailnetError} */
export function openAuthRequest(id: AuthRequestId, purpose: AuthPurpose): Command<AuthRequest> {
  return (world, given) => {
    const draft = new Draft(world);
    return draft.decision(addAuthRequest(draft, given, id, purpose));
  };
}

/** Removes the requests that ran out. */
export const purgeAuthRequests: Command<number> = (world, given) => {
  const draft = new Draft(world);
  let purged = 0;
  for (const request of world.authRequests.values()) {
    if (request.expiresAt > given.now) continue;
    draft.add({
      subject: "auth-request",
      tailnet: serverScope,
      kind: "auth-request-expired",
      id: request.id,
      after: undefined,
    });
    purged++;
  }
  return draft.decision(purged);
};

function openRequest(world: World, given: Circumstances, authId: AuthRequestId): AuthRequest {
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

function settle(draft: Draft, request: AuthRequest, verdict: "accepted" | "rejected", nodeId?: NodeId): AuthRequest {
  const after: AuthRequest = { ...request, verdict, ...(nodeId !== undefined && { nodeId }) };
  draft.add({ subject: "auth-request", tailnet: serverScope, kind: `auth-request-${verdict}`, id: request.id, after });
  return after;
}
