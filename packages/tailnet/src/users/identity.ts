import type { Draft } from "#change/decide.ts";
import type { TailnetId } from "#world/ids.ts";
import { scopedName, type World } from "#world/world.ts";
import { insertUser, isUserName } from "./commands.ts";
import type { User } from "./user.ts";

/** Who an identity provider says that somebody is. What it does not say stays as it was. */
export interface ProviderIdentity {
  /** Issuer and subject, as `providerIdOf` writes them: the only thing that users are found by. */
  readonly providerId: string;
  /** Left out of account when it is no user name. */
  readonly name?: string;
  readonly displayName?: string;
  /** Empty: the provider vouches for none, and one that is stored is no longer good. */
  readonly email?: string;
  readonly profilePicUrl?: string;
}

/** The user whom this identity belongs to, as stored. */
export function userOfIdentity(
  world: World,
  tailnet: TailnetId,
  { providerId }: Pick<ProviderIdentity, "providerId">,
): User | undefined {
  const id = world.index.userByProviderId.get(scopedName(tailnet, providerId));
  return id === undefined ? undefined : world.users.get(id);
}

/**
 * The user whom this identity belongs to, made or brought up to date. Names of the provider need not be unique: a policy
 * takes a name that two users bear for nobody's. @throws {TailnetError}
 */
export function signedIn(draft: Draft, tailnet: TailnetId, identity: ProviderIdentity, now: number): User {
  const { providerId, name, ...profile } = identity;
  const said = { ...profile, ...(name !== undefined && isUserName(name) && { name }) };
  const known = userOfIdentity(draft.world, tailnet, identity);
  if (!known) {
    // A member, be it the first user: whoever comes first is nobody's choice, and owners may do what policies forbid.
    return insertUser(draft, { tailnet, name: "", ...said, providerId, provider: "oidc", role: "member" }, now);
  }
  const after: User = { ...known, ...said };
  const isSame = (Object.keys(said) as (keyof typeof said)[]).every((field) => known[field] === after[field]);
  if (!isSame) draft.add({ subject: "user", tailnet, kind: "user-updated", id: known.id, after });
  return after;
}
