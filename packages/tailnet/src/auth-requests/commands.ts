import { type Command, Draft } from "#change/decide.ts";
import type { Node } from "#nodes/node.ts";
import { userIn } from "#users/commands.ts";
import type { User } from "#users/user.ts";
import { type AuthRequestId, serverScope } from "#world/ids.ts";
import { type AdmissionTerms, admit, openRequest, settle } from "./admit.ts";
import type { AuthPurpose, AuthRequest } from "./auth-request.ts";
import { addAuthRequest } from "./request-login.ts";

export interface Approval extends AdmissionTerms {
  readonly authId: AuthRequestId;
  /** Who the node will belong to. */
  readonly user: User;
}

/** Lets a waiting machine in as a node of `user`, if that user is still there. @throws {TailnetError} */
export function completeRegistration({ authId, user, ...terms }: Approval): Command<Node> {
  return (world, given) => {
    const draft = new Draft(world);
    return draft.decision(admit(draft, given, openRequest(world, given, authId), userIn(world, user.id), terms));
  };
}

/** Accepts a waiting SSH check, or tells a waiting machine to start over. @throws {TailnetError} */
export function approveRequest(authId: AuthRequestId): Command<AuthRequest> {
  return (world, given) => {
    const draft = new Draft(world);
    const request = openRequest(world, given, authId);
    const { purpose } = request;
    const approved =
      purpose.kind === "ssh-check" ? { ...request, purpose: { ...purpose, approvedAt: given.now } } : request;
    return draft.decision(settle(draft, approved, "accepted"));
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

/** Keeps the approval of an SSH check until a moment, in place of earlier ones of the same connection. */
export function keepCheck(authId: AuthRequestId, until: number): Command<void> {
  return (world) => {
    const draft = new Draft(world);
    const request = world.authRequests.get(authId);
    const { purpose } = request ?? {};
    if (request?.verdict !== "accepted" || purpose?.kind !== "ssh-check") return draft.decision(undefined);
    for (const other of world.authRequests.values()) {
      if (other.id === authId || other.verdict !== "accepted" || !isSameCheck(other.purpose, purpose)) continue;
      draft.add(removal("auth-request-expired", other.id));
    }
    if (request.expiresAt < until) {
      const after = { ...request, expiresAt: until };
      draft.add({ subject: "auth-request", tailnet: serverScope, kind: "auth-request-kept", id: authId, after });
    }
    return draft.decision(undefined);
  };
}

/** Takes approvals of SSH checks back. */
export function revokeChecks(ids: readonly AuthRequestId[]): Command<number> {
  return (world) => {
    const draft = new Draft(world);
    const known = ids.filter((id) => world.authRequests.has(id));
    for (const id of known) draft.add(removal("auth-request-revoked", id));
    return draft.decision(known.length);
  };
}

/** Whether two checks are of the same user on the same way. */
export function isSameCheck(one: AuthPurpose, other: AuthPurpose): boolean {
  if (one.kind !== "ssh-check" || other.kind !== "ssh-check") return false;
  return one.src === other.src && one.dst === other.dst && one.login === other.login;
}

function removal(kind: "auth-request-expired" | "auth-request-revoked", id: AuthRequestId) {
  return { subject: "auth-request", tailnet: serverScope, kind, id, after: undefined } as const;
}

/** Removes the requests that ran out. */
export const purgeAuthRequests: Command<number> = (world, given) => {
  const draft = new Draft(world);
  let purged = 0;
  for (const request of world.authRequests.values()) {
    if (request.expiresAt > given.now) continue;
    draft.add(removal("auth-request-expired", request.id));
    purged++;
  }
  return draft.decision(purged);
};
