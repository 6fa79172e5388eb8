import type { TailnetId, UserId } from "#world/ids.ts";

/** Roles of a user in its tailnet; policy autogroups of the same names select by them. Source: Tailscale's user roles. */
export const userRoles = ["owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"] as const;
export type UserRole = (typeof userRoles)[number];

/** A person or service that owns nodes. Local users have no `providerId`; times in ms since the epoch. */
export interface User {
  readonly id: UserId;
  readonly tailnet: TailnetId;
  readonly name: string;
  readonly displayName: string;
  readonly email: string;
  /** Identifier at the identity provider (`iss/sub`), or empty. */
  readonly providerId: string;
  /** `oidc` or empty. */
  readonly provider: string;
  readonly profilePicUrl: string;
  readonly role: UserRole;
  readonly createdAt: number;
}

/** What clients show as the login: first non-empty of e-mail, name, provider identifier, id. */
export function loginNameOf(user: User): string {
  return user.email || user.name || user.providerId || String(user.id);
}

export function displayNameOf(user: User): string {
  return user.displayName || loginNameOf(user);
}
