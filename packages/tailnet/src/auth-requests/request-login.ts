import type { Circumstances, Decision } from "#change/decide.ts";
import { Draft } from "#change/decide.ts";
import type { Registrant, Registration } from "#nodes/registrant.ts";
import { TailnetError } from "#tailnet-error.ts";
import { type AuthRequestId, serverScope } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import type { AuthPurpose, AuthRequest } from "./auth-request.ts";

/** The request behind `authId`, if it is this machine's own and has not run out. */
export function pendingOf(
  world: World,
  given: Circumstances,
  who: Registrant,
  authId: AuthRequestId,
): AuthRequest | undefined {
  const request = world.authRequests.get(authId);
  if (request?.purpose.kind !== "register" || request.expiresAt <= given.now) return undefined;
  return request.purpose.machineKey === who.machineKey ? request : undefined;
}

/** A pending login for this machine: the one it already has for this node key, else a new row named `freshId`. */
export function requestLogin(
  world: World,
  given: Circumstances,
  who: Registrant,
  freshId: AuthRequestId,
): Decision<Registration> {
  for (const request of world.authRequests.values()) {
    const { purpose } = request;
    if (purpose.kind !== "register" || request.verdict !== "pending" || request.expiresAt <= given.now) continue;
    if (purpose.machineKey === who.machineKey && purpose.nodeKey === who.nodeKey) {
      return { effects: [], result: { kind: "login", authId: request.id } };
    }
  }
  const purpose: AuthPurpose = {
    kind: "register",
    machineKey: who.machineKey,
    nodeKey: who.nodeKey,
    ...(who.nlKey !== undefined && { nlKey: who.nlKey }),
    hostinfo: who.hostinfo,
    ephemeral: who.ephemeral,
    ...(who.expiry !== undefined && { expiry: who.expiry }),
    ...(who.wish !== undefined && { wish: who.wish }),
  };
  const draft = new Draft(world);
  addAuthRequest(draft, given, freshId, purpose);
  return draft.decision({ kind: "login", authId: freshId });
}

/** @throws {TailnetError} "too-many-requests" when too many of the kind wait: old ones run out by themselves. */
export function addAuthRequest(
  draft: Draft,
  given: Circumstances,
  id: AuthRequestId,
  purpose: AuthPurpose,
): AuthRequest {
  assertRoom(draft.world, given, purpose);
  const after: AuthRequest = {
    id,
    purpose,
    verdict: "pending",
    createdAt: given.now,
    expiresAt: given.now + given.settings.authRequestTtlMs,
  };
  draft.add({ subject: "auth-request", tailnet: serverScope, kind: "auth-request-created", id, after });
  return after;
}

/** Logins and SSH checks have budgets of their own: neither can keep the other out. @throws {TailnetError} */
function assertRoom(world: World, { now, settings }: Circumstances, purpose: AuthPurpose): void {
  let [logins, checks, checksOfNode] = [0, 0, 0];
  for (const { verdict, expiresAt, purpose: other } of world.authRequests.values()) {
    if (verdict !== "pending" || expiresAt <= now) continue;
    if (other.kind === "register") logins++;
    else checks++;
    if (other.kind === "ssh-check" && purpose.kind === "ssh-check" && other.dst === purpose.dst) checksOfNode++;
  }
  if (purpose.kind === "register" ? logins < settings.maxAuthRequests : checks < settings.maxSshChecks) {
    if (checksOfNode < settings.maxSshChecksPerNode) return;
  }
  const what = purpose.kind === "register" ? "logins" : "SSH checks";
  throw new TailnetError("too-many-requests", `too many ${what} are waiting for approval: try again later`);
}
