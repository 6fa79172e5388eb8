import { type Command, Draft } from "#change/decide.ts";
import { assertMoment } from "#change/moment.ts";
import { parseTags } from "#nodes/commands.ts";
import { TailnetError } from "#tailnet-error.ts";
import { tailnetIn } from "#tailnets/commands.ts";
import { userIn } from "#users/commands.ts";
import type { PreAuthKeyId, TailnetId, UserId } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import type { HashedSecret, PreAuthKey } from "./pre-auth-key.ts";

export interface NewPreAuthKey extends HashedSecret {
  readonly tailnet: TailnetId;
  readonly userId?: UserId;
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly tags: readonly string[];
  readonly expiresAt?: number;
}

/** @throws {TailnetError} "auth-key-not-found" */
export function authKeyIn(world: World, id: PreAuthKeyId): PreAuthKey {
  const key = world.authKeys.get(id);
  if (!key) throw new TailnetError("auth-key-not-found", `pre-auth key ${id} not found`);
  return key;
}

/** @throws {TailnetError} */
export function createAuthKey(wanted: NewPreAuthKey): Command<PreAuthKey> {
  return (world, given) => {
    tailnetIn(world, wanted.tailnet);
    if (wanted.expiresAt !== undefined) assertMoment(wanted.expiresAt, "expiration");
    const tags = parseTags(wanted.tags);
    if (wanted.userId === undefined && tags.length === 0) {
      throw new TailnetError("argument-invalid", "a pre-auth key needs a user or at least one tag");
    }
    if (wanted.userId !== undefined && userIn(world, wanted.userId).tailnet !== wanted.tailnet) {
      throw new TailnetError("user-not-found", `user ${wanted.userId} is not in this namespace`);
    }
    const key: PreAuthKey = {
      ...wanted,
      tags,
      id: world.sequences["auth-key"] as PreAuthKeyId,
      used: false,
      createdAt: given.now,
    };
    const draft = new Draft(world);
    draft.add({ subject: "auth-key", tailnet: key.tailnet, kind: "auth-key-created", id: key.id, after: key });
    return draft.decision(key);
  };
}

/** Revokes a key: it lets nobody in from now on, and is deleted by `purgeRevokedAuthKeys` later. @throws {TailnetError} */
export function expireAuthKey(id: PreAuthKeyId): Command<PreAuthKey> {
  return (world, given) => {
    const after = { ...authKeyIn(world, id), expiresAt: given.now, revokedAt: given.now };
    const draft = new Draft(world);
    draft.add({ subject: "auth-key", tailnet: after.tailnet, kind: "auth-key-expired", id, after });
    return draft.decision(after);
  };
}

/** Deletes the keys that were revoked at `before` or earlier; nobody can say any more that they were. */
export function purgeRevokedAuthKeys(before: number): Command<number> {
  return (world) => {
    const draft = new Draft(world);
    const old = [...world.authKeys.values()].filter(({ revokedAt }) => revokedAt !== undefined && revokedAt <= before);
    for (const { id, tailnet } of old)
      draft.add({ subject: "auth-key", tailnet, kind: "auth-key-deleted", id, after: undefined });
    return draft.decision(old.length);
  };
}

/** Nodes that joined with the key stay; they only forget which key it was. @throws {TailnetError} */
export function deleteAuthKey(id: PreAuthKeyId): Command<PreAuthKey> {
  return (world) => {
    const key = authKeyIn(world, id);
    const draft = new Draft(world);
    draft.add({ subject: "auth-key", tailnet: key.tailnet, kind: "auth-key-deleted", id, after: undefined });
    return draft.decision(key);
  };
}
