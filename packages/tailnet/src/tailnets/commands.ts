import { type Command, Draft } from "#change/decide.ts";
import { isLabel } from "#names/hostname.ts";
import { TailnetError } from "#tailnet-error.ts";
import { addUser } from "#users/commands.ts";
import { defaultTailnetId, type PolicyId, type TailnetId } from "#world/ids.ts";
import { nodesOf, usersOf, type World } from "#world/world.ts";
import type { PolicyRevision, Tailnet } from "./tailnet.ts";

export const defaultTailnetName = "default";

/** @throws {TailnetError} "tailnet-not-found" */
export function tailnetIn(world: World, id: TailnetId): Tailnet {
  const tailnet = world.tailnets.get(id);
  if (!tailnet) throw new TailnetError("tailnet-not-found", `namespace ${id} not found`);
  return tailnet;
}

/** The tailnet that a request names; nothing named means the default one. @throws {TailnetError} "tailnet-not-found" */
export function tailnetNamed(world: World, name: string): Tailnet {
  const id = world.index.tailnetByName.get(name === "" ? defaultTailnetName : name);
  if (id === undefined) throw new TailnetError("tailnet-not-found", `namespace "${name}" not found`);
  return tailnetIn(world, id);
}

/** Makes sure that the tailnet `default` exists, as on a fresh server. */
export const ensureDefaultTailnet: Command<void> = (world, given) => {
  const draft = new Draft(world);
  if (!world.tailnets.has(defaultTailnetId)) addTailnet(draft, defaultTailnetId, defaultTailnetName, given.now);
  return draft.decision(undefined);
};

function addTailnet(draft: Draft, id: TailnetId, name: string, now: number): Tailnet {
  const after: Tailnet = { id, name, createdAt: now };
  draft.add({ subject: "tailnet", tailnet: id, kind: "tailnet-created", id, after });
  return after;
}

function assertName(world: World, name: string): void {
  if (!isLabel(name)) {
    throw new TailnetError(
      "name-invalid",
      `"${name.slice(0, 64)}" is not a namespace name: use up to 63 lower-case letters, digits and inner hyphens`,
    );
  }
  if (world.index.tailnetByName.has(name))
    throw new TailnetError("name-taken", `a namespace named "${name}" already exists`);
}

/** A closed group with a user of the same name who owns what names no user. @throws {TailnetError} */
export function createTailnet(name: string): Command<Tailnet> {
  return (world, given) => {
    assertName(world, name);
    const draft = new Draft(world);
    const { id } = addTailnet(draft, world.sequences.tailnet as TailnetId, name, given.now);
    addUser(draft, { tailnet: id, name: /^[a-z]/.test(name) && name.length > 1 ? name : `user-${name}` }, given.now);
    return draft.decision(tailnetIn(draft.world, id));
  };
}

/** @throws {TailnetError} */
export function renameTailnet(id: TailnetId, name: string): Command<Tailnet> {
  return (world) => {
    const tailnet = tailnetIn(world, id);
    if (id === defaultTailnetId) throw new TailnetError("argument-invalid", "the namespace default keeps its name");
    const draft = new Draft(world);
    if (tailnet.name === name) return draft.decision(tailnet);
    assertName(world, name);
    const after = { ...tailnet, name };
    draft.add({ subject: "tailnet", tailnet: id, kind: "tailnet-renamed", id, after });
    return draft.decision(after);
  };
}

/** Removes a tailnet without nodes, with its users, keys and policy. @throws {TailnetError} */
export function deleteTailnet(id: TailnetId): Command<Tailnet> {
  return (world) => {
    const tailnet = tailnetIn(world, id);
    if (id === defaultTailnetId) throw new TailnetError("argument-invalid", "the namespace default cannot be removed");
    if (nodesOf(world, id).length > 0) throw new TailnetError("not-empty", "namespace not empty: node(s) found");
    const draft = new Draft(world);
    for (const key of world.authKeys.values()) {
      if (key.tailnet === id)
        draft.add({ subject: "auth-key", tailnet: id, kind: "auth-key-deleted", id: key.id, after: undefined });
    }
    for (const user of usersOf(world, id))
      draft.add({ subject: "user", tailnet: id, kind: "user-deleted", id: user.id, after: undefined });
    draft.add({ subject: "tailnet", tailnet: id, kind: "tailnet-deleted", id, after: undefined });
    return draft.decision(tailnet);
  };
}

/** Puts a policy text in force; it has been checked. `ifRevision` refuses a lost update. @throws {TailnetError} "revision-conflict" */
export function setPolicy(tailnet: TailnetId, text: string, ifRevision?: number): Command<PolicyRevision> {
  return (world, given) => {
    tailnetIn(world, tailnet);
    const current = world.policies.get(tailnet)?.id ?? 0;
    if (ifRevision !== undefined && ifRevision !== current) {
      throw new TailnetError(
        "revision-conflict",
        `the policy is at revision ${current}, not ${ifRevision}: somebody else changed it`,
      );
    }
    const after: PolicyRevision = { id: world.sequences.policy as PolicyId, tailnet, text, createdAt: given.now };
    const draft = new Draft(world);
    draft.add({ subject: "policy", tailnet, kind: "policy-set", id: after.id, after });
    return draft.decision(after);
  };
}
