import { assertUsable, equalInConstantTime, type HashedSecret, type PreAuthKey } from "#auth-keys/pre-auth-key.ts";
import { pendingOf, requestLogin } from "#auth-requests/request-login.ts";
import { type Circumstances, type Command, type Decision, Draft } from "#change/decide.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { AuthRequestId, NodeId } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import { assertNodeKeyFree, enrol, ownerWithTags, reauthenticate } from "./enrol.ts";
import { isExpired, type Node, type NodeOwner, userIdOf } from "./node.ts";
import type { Registrant, Registration } from "./registrant.ts";
import { assertWished } from "./tailnet-wish.ts";

/**
 * `POST /machine/register` as one decision over (machine key, node key, key used, expiry, owner).
 * `freshId` names the pending login if one has to be made. Source: headscale f20f1f12 hscontrol/auth.go, tailscale
 * de9ec7ee control/controlclient/direct.go (what clients make of the answers). @throws {TailnetError} whose text the
 * client shows.
 */
export function register(who: Registrant, freshId: AuthRequestId): Command<Registration> {
  return (world, given) => {
    const known = knownNode(world, who);
    if (known && wantsOut(who, given)) return logOut(world, given, known);
    if (known) assertWished(world, given.settings, who.wish, known.tailnet);
    if (known && who.authKey === undefined) {
      const answer = returning(world, given, who, known);
      if (answer) return answer;
    }
    if (who.followup !== undefined) return followUp(world, given, who, who.followup, freshId);
    if (who.authKey !== undefined) return registerByKey(world, given, who, who.authKey);
    return requestLogin(world, given, who, freshId);
  };
}

/** The node that holds this node key. @throws {TailnetError} when another machine does: knowing a node key opens nothing. */
function knownNode(world: World, who: Registrant): Node | undefined {
  const node = world.nodes.get(world.index.nodeByNodeKey.get(who.nodeKey) ?? (0 as NodeId));
  if (node && node.machineKey !== who.machineKey) {
    throw new TailnetError("machine-mismatch", "node exists with a different machine key");
  }
  return node;
}

function wantsOut(who: Registrant, given: Circumstances): boolean {
  return who.expiry !== undefined && who.expiry <= given.now;
}

/** Logout: ephemeral nodes go at once, others expire now (never at the client's 1970 sentinel). */
function logOut(world: World, given: Circumstances, node: Node): Decision<Registration> {
  const draft = new Draft(world);
  if (node.ephemeral) {
    draft.add({ subject: "node", tailnet: node.tailnet, kind: "node-deleted", id: node.id, after: undefined });
  } else if (!isExpired(node, given.now)) {
    draft.node("node-logged-out", { ...node, expiry: given.now });
  }
  return draft.decision({ kind: "expired", node });
}

/** A known node without a key: a restart changes nothing; an earlier expiry is taken; an expired key is told so. */
function returning(
  world: World,
  given: Circumstances,
  who: Registrant,
  node: Node,
): Decision<Registration> | undefined {
  if (isExpired(node, given.now)) {
    return who.followup === undefined ? { effects: [], result: { kind: "expired", node } } : undefined;
  }
  if (who.expiry === undefined || who.followup !== undefined)
    return { effects: [], result: { kind: "authorized", node } };
  if (node.expiry !== undefined && who.expiry > node.expiry) {
    throw new TailnetError("expiry-extension", "extending key is not allowed: log in again instead");
  }
  const draft = new Draft(world);
  return draft.decision({ kind: "authorized", node: draft.node("node-expiry-set", { ...node, expiry: who.expiry }) });
}

function followUp(
  world: World,
  given: Circumstances,
  who: Registrant,
  authId: AuthRequestId,
  freshId: AuthRequestId,
): Decision<Registration> {
  const request = pendingOf(world, given, who, authId);
  if (request?.verdict === "pending") return { effects: [], result: { kind: "wait", authId } };
  if (request?.verdict === "rejected") {
    throw new TailnetError("auth-request-not-found", "this login was rejected");
  }
  return requestLogin(world, given, who, freshId);
}

function registerByKey(
  world: World,
  given: Circumstances,
  who: Registrant,
  presented: HashedSecret | "malformed",
): Decision<Registration> {
  const key = authKeyFor(world, presented);
  assertWished(world, given.settings, who.wish, key.tailnet);
  const existing = nodeAddressedBy(world, who, key);
  const keyOwner: NodeOwner = key.tags.length > 0 ? { kind: "tags", tags: key.tags } : ownerOf(key);
  const owner = ownerFor(given, who, key, existing, keyOwner);
  const unchanged =
    existing !== undefined &&
    existing.nodeKey === who.nodeKey &&
    !isExpired(existing, given.now) &&
    existing.owner.kind === owner.kind;
  if (unchanged) return { effects: [], result: { kind: "authorized", node: existing } };
  assertUsable(key, given.now);
  assertNodeKeyFree(world, who);
  if (heldByAnotherNode(world, who, existing)) return { effects: [], result: { kind: "expired" } };
  const draft = new Draft(world);
  const admission = {
    tailnet: key.tailnet,
    owner,
    method: "authkey",
    authKey: key,
    ephemeral: key.ephemeral || who.ephemeral,
  } as const;
  const node = existing ? reauthenticate(draft, given, existing, who, admission) : enrol(draft, given, who, admission);
  if (!key.used) {
    draft.add({
      subject: "auth-key",
      tailnet: key.tailnet,
      kind: "auth-key-used",
      id: key.id,
      after: { ...key, used: true },
    });
  }
  return draft.decision({ kind: "authorized", node });
}

/** @throws {TailnetError} the same for an unknown prefix and for a wrong secret. */
function authKeyFor(world: World, presented: HashedSecret | "malformed"): PreAuthKey {
  const id = presented === "malformed" ? undefined : world.index.authKeyByPrefix.get(presented.prefix);
  const key = id === undefined ? undefined : world.authKeys.get(id);
  if (!key || presented === "malformed" || !equalInConstantTime(key.hash, presented.hash)) {
    throw new TailnetError(
      "auth-key-invalid",
      "invalid pre auth key: it is unknown to this server, or was mistyped or deleted",
    );
  }
  return key;
}

function ownerOf(key: PreAuthKey): NodeOwner {
  if (key.userId === undefined) throw new TailnetError("auth-key-invalid", "this authkey has neither a user nor tags");
  return { kind: "user", userId: key.userId };
}

/** Which of the machine's nodes in the key's tailnet the key means; undefined = a new one. */
function nodeAddressedBy(world: World, who: Registrant, key: PreAuthKey): Node | undefined {
  const ids = world.index.nodesByMachineKey.get(who.machineKey) ?? [];
  const mine = ids.flatMap((id) => world.nodes.get(id) ?? []).filter((node) => node.tailnet === key.tailnet);
  const tagged = mine.find((node) => node.owner.kind === "tags");
  if (key.tags.length === 0) return mine.find((node) => userIdOf(node) === key.userId) ?? tagged;
  const owned = mine.filter((node) => node.owner.kind === "user");
  if (tagged) return tagged;
  if (owned.length > 1) {
    throw new TailnetError(
      "node-key-in-use",
      "several users own a node on this machine: delete all but one before tagging it",
    );
  }
  return owned[0];
}

/** A user's key leaves a tagged node tagged; wanted tags need the key or the user to hold them. */
function ownerFor(
  given: Circumstances,
  who: Registrant,
  key: PreAuthKey,
  existing: Node | undefined,
  keyOwner: NodeOwner,
): NodeOwner {
  if (existing?.owner.kind === "tags" && keyOwner.kind === "user") return existing.owner;
  if (existing?.owner.kind === "tags" && existing.nodeKey === who.nodeKey) return existing.owner;
  const wanted = existing ? [] : (who.hostinfo.RequestTags ?? []);
  const tagged = ownerWithTags(given, key.tailnet, keyOwner, wanted);
  return wanted.length > 0 && keyOwner.kind === "tags" ? keyOwner : tagged;
}

/** The same machine uses this node key for another of its nodes: it has to make a new one. */
function heldByAnotherNode(world: World, who: Registrant, existing: Node | undefined): boolean {
  const holder = world.index.nodeByNodeKey.get(who.nodeKey);
  return holder !== undefined && holder !== existing?.id;
}
