import type { ApiKey } from "#api-keys/api-key.ts";
import type { PreAuthKey } from "#auth-keys/pre-auth-key.ts";
import type { AuthRequest } from "#auth-requests/auth-request.ts";
import type { Node } from "#nodes/node.ts";
import type { PolicyRevision, Tailnet } from "#tailnets/tailnet.ts";
import type { User } from "#users/user.ts";
import type { TailnetId } from "#world/ids.ts";

/** The nouns that changes are about, and what a row of each is. */
export interface Subjects {
  readonly tailnet: Tailnet;
  readonly user: User;
  readonly node: Node;
  readonly "auth-key": PreAuthKey;
  readonly "api-key": ApiKey;
  readonly "auth-request": AuthRequest;
  readonly policy: PolicyRevision;
}
export type Subject = keyof Subjects;

/** What happened, in words of the audit log: `node-registered`, `routes-approved` … */
export type ChangeKind =
  | `tailnet-${"created" | "renamed" | "deleted" | "owner-set"}`
  | `user-${"created" | "renamed" | "updated" | "deleted" | "role-set"}`
  | `node-${"registered" | "reauthenticated" | "refreshed" | "logged-out" | "expired" | "expiry-set" | "renamed" | "hostname-reported" | "tagged" | "deleted" | "readdressed"}`
  | `routes-${"approved" | "auto-approved"}`
  | `auth-key-${"created" | "used" | "expired" | "deleted"}`
  | `api-key-${"created" | "expired" | "deleted"}`
  | `auth-request-${"created" | "accepted" | "rejected" | "kept" | "revoked" | "expired"}`
  | `policy-set`;

/** Who did it: `system`, `node:ID`, `api-key:PREFIX`, `socket`, `user:ID`; `oidc` for somebody who only becomes a user. */
export type Actor = string;

/** The part of a change that a command decides. `after` is the subject's new row; undefined = deleted. */
export type Effect = {
  readonly [S in Subject]: {
    readonly subject: S;
    readonly tailnet: TailnetId;
    readonly kind: ChangeKind;
    readonly id: Subjects[S]["id"];
    readonly after: Subjects[S] | undefined;
  };
}[Subject];

/**
 * One durable step of a tailnet: the same record is stored, applied, announced and read as the audit log.
 * `revision` counts from 1 within its tailnet without gaps; `at` in ms since the epoch.
 */
export type Change = Effect & { readonly revision: number; readonly at: number; readonly actor: Actor };
