import { type Command, Draft } from "#change/decide.ts";
import { userIdOf } from "#nodes/node.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { TailnetId, UserId } from "#world/ids.ts";
import { nodesOf, scopedName, usersOf, type World } from "#world/world.ts";
import type { User, UserRole } from "./user.ts";

export interface NewUser {
  readonly tailnet: TailnetId;
  readonly name: string;
  readonly displayName?: string;
  readonly email?: string;
  readonly profilePicUrl?: string;
}

/** @throws {TailnetError} "user-not-found" */
export function userIn(world: World, id: UserId): User {
  const user = world.users.get(id);
  if (!user) throw new TailnetError("user-not-found", `user ${id} not found`);
  return user;
}

/** At least two characters, a letter first, then letters, digits, `-`, `.`, `_` and at most one `@`. Source: headscale f20f1f12 hscontrol/util/dns.go. */
const nameForm = /^\p{L}[\p{L}\p{N}._-]*@?[\p{L}\p{N}._-]*$/u;
const maxNameLength = 255;

export function isUserName(name: string): boolean {
  return name.length >= 2 && name.length <= maxNameLength && nameForm.test(name);
}

/** @throws {TailnetError} "name-invalid" */
export function assertUserName(name: string): void {
  if (!isUserName(name)) {
    throw new TailnetError(
      "name-invalid",
      `"${name.slice(0, 64)}" is not a user name: use 2 to ${maxNameLength} characters, a letter first, then letters, digits, "-", ".", "_" and at most one "@"`,
    );
  }
}

function assertFree(world: World, tailnet: TailnetId, name: string, self?: UserId): void {
  const holder = world.index.userByName.get(scopedName(tailnet, name));
  if (holder !== undefined && holder !== self)
    throw new TailnetError("name-taken", `a user named "${name}" already exists`);
}

/** The first user of a tailnet becomes its owner, and the one that commands mean that name nobody. @throws {TailnetError} */
export function createUser(wanted: NewUser): Command<User> {
  return (world, given) => {
    const draft = new Draft(world);
    return draft.decision(addUser(draft, wanted, given.now));
  };
}

/** A local user, found by name; the first of its tailnet owns it. @throws {TailnetError} */
export function addUser(draft: Draft, wanted: NewUser, now: number): User {
  assertUserName(wanted.name);
  assertFree(draft.world, wanted.tailnet, wanted.name);
  const isFirst = draft.world.tailnets.get(wanted.tailnet)?.defaultOwner === undefined;
  return insertUser(draft, { ...wanted, providerId: "", provider: "", role: isFirst ? "owner" : "member" }, now);
}

/** A new row, its uniqueness seen to by the caller. Commands that name nobody mean the first. @throws {TailnetError} */
export function insertUser(
  draft: Draft,
  {
    displayName = "",
    email = "",
    profilePicUrl = "",
    ...standing
  }: NewUser & Pick<User, "providerId" | "provider" | "role">,
  now: number,
): User {
  const { world } = draft;
  const tailnet = world.tailnets.get(standing.tailnet);
  if (!tailnet) throw new TailnetError("tailnet-not-found", `namespace ${standing.tailnet} not found`);
  const id = world.sequences.user as UserId;
  const user: User = { ...standing, id, displayName, email, profilePicUrl, createdAt: now };
  draft.add({ subject: "user", tailnet: tailnet.id, kind: "user-created", id, after: user });
  if (tailnet.defaultOwner === undefined) {
    const after = { ...tailnet, defaultOwner: id };
    draft.add({ subject: "tailnet", tailnet: tailnet.id, kind: "tailnet-owner-set", id: tailnet.id, after });
  }
  return user;
}

/** @throws {TailnetError} */
export function renameUser(id: UserId, name: string): Command<User> {
  return (world) => {
    const user = userIn(world, id);
    if (user.providerId !== "")
      throw new TailnetError("argument-invalid", "the name of this user comes from the identity provider");
    assertUserName(name);
    assertFree(world, user.tailnet, name, id);
    const draft = new Draft(world);
    const after = { ...user, name };
    if (name !== user.name) draft.add({ subject: "user", tailnet: user.tailnet, kind: "user-renamed", id, after });
    return draft.decision(after);
  };
}

/** @throws {TailnetError} */
export function setUserRole(id: UserId, role: UserRole): Command<User> {
  return (world) => {
    const user = userIn(world, id);
    const draft = new Draft(world);
    const after = { ...user, role };
    if (role !== user.role) draft.add({ subject: "user", tailnet: user.tailnet, kind: "user-role-set", id, after });
    return draft.decision(after);
  };
}

/** Removes a user who owns no nodes, with all pre-auth keys of that user. @throws {TailnetError} */
export function deleteUser(id: UserId): Command<User> {
  return (world) => {
    const user = userIn(world, id);
    if (nodesOf(world, user.tailnet).some((node) => userIdOf(node) === id)) {
      throw new TailnetError("not-empty", "user not empty: node(s) found");
    }
    const draft = new Draft(world);
    for (const key of world.authKeys.values()) {
      if (key.userId === id)
        draft.add({
          subject: "auth-key",
          tailnet: key.tailnet,
          kind: "auth-key-deleted",
          id: key.id,
          after: undefined,
        });
    }
    draft.add({ subject: "user", tailnet: user.tailnet, kind: "user-deleted", id, after: undefined });
    disown(draft, user);
    return draft.decision(user);
  };
}

/** The oldest remaining user takes over as default owner. */
function disown(draft: Draft, user: User): void {
  const tailnet = draft.world.tailnets.get(user.tailnet);
  if (tailnet?.defaultOwner !== user.id) return;
  const { defaultOwner: _gone, ...rest } = tailnet;
  const heir = usersOf(draft.world, user.tailnet)[0];
  const after = { ...rest, ...(heir && { defaultOwner: heir.id }) };
  draft.add({ subject: "tailnet", tailnet: tailnet.id, kind: "tailnet-owner-set", id: tailnet.id, after });
}
