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
