import { type Circumstances, type Command, Draft } from "#change/decide.ts";
import { type Node, userIdOf } from "#nodes/node.ts";
import { TailnetError } from "#tailnet-error.ts";
import { type ProviderIdentity, signedIn, userOfIdentity } from "#users/identity.ts";
import type { User } from "#users/user.ts";
import type { AuthRequestId, TailnetId } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import { admit, nodeToReauthenticate, openRequest, settle } from "./admit.ts";
import type { AuthRequest } from "./auth-request.ts";

/** Somebody whom the identity provider vouches for acts on a login that waits. */
export interface SignIn {
  readonly authId: AuthRequestId;
  readonly tailnet: TailnetId;
  readonly identity: ProviderIdentity;
  /** Key expiry from the login token, ms since the epoch. */
  readonly expiry?: number;
}

/** Lets the machine in as a node of whoever signed in, who becomes a user with it. @throws {TailnetError} */
export function registerBySignIn({ authId, tailnet, identity, expiry }: SignIn): Command<{ user: User; node: Node }> {
  return (world, given) => {
    const request = openRequest(world, given, authId);
    const draft = new Draft(world);
    const user = signedIn(draft, tailnet, identity, given.now);
    const node = admit(draft, given, request, user, { method: "oidc", ...(expiry !== undefined && { expiry }) });
    return draft.decision({ user, node });
  };
}

/** Accepts an SSH check of a node that belongs to whoever signed in. @throws {TailnetError} "not-the-owner" */
export function approveBySignIn({ authId, tailnet, identity }: SignIn): Command<User> {
  return (world, given) => {
    const request = checkRequest(world, given, authId);
    const owner = checkedOwner(world, request);
    const user = userOfIdentity(world, tailnet, identity);
    if (!owner || owner.id !== user?.id) throw notTheOwner();
    const draft = new Draft(world);
    const after = signedIn(draft, tailnet, identity, given.now);
    settle(draft, request, "accepted");
    return draft.decision(after);
  };
}

/** Turns down what waits; an SSH check only by the owner of its source. @throws {TailnetError} */
export function rejectBySignIn({ authId, tailnet, identity }: SignIn): Command<AuthRequest> {
  return (world, given) => {
    const request = openRequest(world, given, authId);
    if (request.purpose.kind === "ssh-check") {
      const owner = checkedOwner(world, request);
      if (!owner || owner.id !== userOfIdentity(world, tailnet, identity)?.id) throw notTheOwner();
    }
    const draft = new Draft(world);
    return draft.decision(settle(draft, request, "rejected"));
  };
}

/** The user who has to sign in for an SSH check: the one whom its source belongs to. `undefined`: it is tagged or gone. */
export function checkedOwner(world: World, { purpose }: Pick<AuthRequest, "purpose">): User | undefined {
  const source = purpose.kind === "ssh-check" ? world.nodes.get(purpose.src) : undefined;
  const owner = source && userIdOf(source);
  return owner === undefined ? undefined : world.users.get(owner);
}

/**
 * The node whose login a sign-in only renews: the user's own on this machine, with nothing asked for that it is not already.
 * Everything else is new to somebody and needs a click.
 */
export function nodeRenewedBy(
  world: World,
  { purpose }: Pick<AuthRequest, "purpose">,
  user: User | undefined,
): Node | undefined {
  if (purpose.kind !== "register" || !user || (purpose.hostinfo.RequestTags ?? []).length > 0) return undefined;
  const node = nodeToReauthenticate(world, purpose, user, { kind: "user", userId: user.id });
  return node?.owner.kind === "user" ? node : undefined;
}

function checkRequest(world: World, given: Circumstances, authId: AuthRequestId): AuthRequest {
  const request = openRequest(world, given, authId);
  if (request.purpose.kind === "ssh-check") return request;
  throw new TailnetError("argument-invalid", "this auth id is a device that waits, not an SSH check");
}

function notTheOwner(): TailnetError {
  return new TailnetError("not-the-owner", "only the owner of the device that the connection comes from may answer");
}
