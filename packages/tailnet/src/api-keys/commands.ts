import { equalInConstantTime, type HashedSecret } from "#auth-keys/pre-auth-key.ts";
import { type Command, Draft } from "#change/decide.ts";
import { assertMoment } from "#change/moment.ts";
import { TailnetError } from "#tailnet-error.ts";
import { type ApiKeyId, serverScope } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import type { ApiKey } from "./api-key.ts";

export interface NewApiKey extends HashedSecret {
  readonly expiresAt?: number;
}

/** @throws {TailnetError} "api-key-not-found" */
export function apiKeyIn(world: World, which: { readonly id: ApiKeyId } | { readonly prefix: string }): ApiKey {
  const id = "id" in which ? which.id : world.index.apiKeyByPrefix.get(which.prefix);
  const key = id === undefined ? undefined : world.apiKeys.get(id);
  if (!key) throw new TailnetError("api-key-not-found", "api key not found");
  return key;
}

/** The key that a presented secret opens, or undefined: unknown, wrong and expired look alike. */
export function authenticateApiKey(world: World, presented: HashedSecret, now: number): ApiKey | undefined {
  const id = world.index.apiKeyByPrefix.get(presented.prefix);
  const key = id === undefined ? undefined : world.apiKeys.get(id);
  if (!key || !equalInConstantTime(key.hash, presented.hash)) return undefined;
  return key.expiresAt !== undefined && key.expiresAt <= now ? undefined : key;
}

/** @throws {TailnetError} "argument-invalid" */
export function createApiKey(wanted: NewApiKey): Command<ApiKey> {
  return (world, given) => {
    if (wanted.expiresAt !== undefined) assertMoment(wanted.expiresAt, "expiration");
    const key: ApiKey = { ...wanted, id: world.sequences["api-key"] as ApiKeyId, createdAt: given.now };
    const draft = new Draft(world);
    draft.add({ subject: "api-key", tailnet: serverScope, kind: "api-key-created", id: key.id, after: key });
    return draft.decision(key);
  };
}

/** @throws {TailnetError} */
export function expireApiKey(which: Parameters<typeof apiKeyIn>[1]): Command<ApiKey> {
  return (world, given) => {
    const after = { ...apiKeyIn(world, which), expiresAt: given.now };
    const draft = new Draft(world);
    draft.add({ subject: "api-key", tailnet: serverScope, kind: "api-key-expired", id: after.id, after });
    return draft.decision(after);
  };
}

/** @throws {TailnetError} */
export function deleteApiKey(which: Parameters<typeof apiKeyIn>[1]): Command<ApiKey> {
  return (world) => {
    const key = apiKeyIn(world, which);
    const draft = new Draft(world);
    draft.add({ subject: "api-key", tailnet: serverScope, kind: "api-key-deleted", id: key.id, after: undefined });
    return draft.decision(key);
  };
}
