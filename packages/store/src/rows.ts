import { createHash } from "node:crypto";
import { type Addr, parseAddr, parsePrefix } from "@headscale/netip";
import type { Hostinfo } from "@headscale/tailcfg";
import { DiscoKey, MachineKey, NLKey, NodeKey } from "@headscale/tailcfg/keys";
import {
  type Actor,
  type ApiKey,
  type AuthPurpose,
  type AuthRequest,
  type Node,
  type NodeId,
  type NodeOwner,
  type PolicyRevision,
  type PreAuthKey,
  type Presence,
  parseAuthRequestId,
  type RegisterMethod,
  type Tailnet,
  type TailnetId,
  type User,
  type UserRole,
  userRoles,
} from "@headscale/tailnet";
import type { PolicySummary } from "./contract.ts";
import type { SharedPresence } from "./replicas.ts";
import { StoreError } from "./store-error.ts";
import type { Rows } from "./tables.ts";

// Rows become domain values once, here, and the other way round.

/** @throws {StoreError} "corrupt", naming the row and never its values. */
export function reading<R, D>(table: string, key: keyof R & string, toDomain: (row: R) => D): (row: R) => D {
  return (row) => {
    try {
      return toDomain(row);
    } catch (cause) {
      throw new StoreError("corrupt", `row ${String(row[key])} of the table ${table} cannot be read`, { cause });
    }
  };
}

function oneOf<T extends string>(words: readonly T[], text: string): T {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new TypeError(`expected one of ${words.join(", ")}`);
  return found;
}

export function tailnetRow(tailnet: Tailnet): Rows["tailnets"] {
  return { ...tailnet, defaultOwner: tailnet.defaultOwner ?? null };
}

export const tailnetOf = reading<Rows["tailnets"], Tailnet>("tailnets", "id", ({ defaultOwner, ...row }) => ({
  ...row,
  id: row.id as TailnetId,
  ...(defaultOwner !== null && { defaultOwner: defaultOwner as User["id"] }),
}));

export function userRow(user: User): Rows["users"] {
  return user;
}

export const userOf = reading<Rows["users"], User>("users", "id", (row) => ({
  ...row,
  id: row.id as User["id"],
  tailnet: row.tailnet as TailnetId,
  role: oneOf<UserRole>(userRoles, row.role),
}));

const registerMethods: readonly RegisterMethod[] = ["authkey", "cli", "oidc"];

export function nodeRow({ owner, ...node }: Node): Rows["nodes"] {
  return {
    ...node,
    nlKey: node.nlKey ?? null,
    userId: owner.kind === "user" ? owner.userId : null,
    tags: owner.kind === "tags" ? owner.tags : null,
    ipv4: node.ipv4 ?? null,
    ipv6: node.ipv6 ?? null,
    expiry: node.expiry ?? null,
    authKeyId: node.authKeyId ?? null,
  };
}

export const nodeOf = reading<Rows["nodes"], Node>("nodes", "id", (row) => ({
  id: row.id as NodeId,
  tailnet: row.tailnet as TailnetId,
  machineKey: MachineKey.parse(row.machineKey),
  nodeKey: NodeKey.parse(row.nodeKey),
  ...(row.nlKey !== null && { nlKey: NLKey.parse(row.nlKey) }),
  hostname: row.hostname,
  name: row.name,
  renamed: row.renamed,
  owner: ownerOf(row),
  ...addrOf("ipv4", row.ipv4),
  ...addrOf("ipv6", row.ipv6),
  ...(row.expiry !== null && { expiry: row.expiry }),
  ephemeral: row.ephemeral,
  registerMethod: oneOf(registerMethods, row.registerMethod),
  ...(row.authKeyId !== null && { authKeyId: row.authKeyId as PreAuthKey["id"] }),
  approvedRoutes: row.approvedRoutes.map((text) => parsePrefix(text)),
  createdAt: row.createdAt,
}));

function ownerOf({ userId, tags }: Rows["nodes"]): NodeOwner {
  if (tags) return { kind: "tags", tags };
  if (userId === null) throw new TypeError("neither a user nor tags");
  return { kind: "user", userId: userId as User["id"] };
}

function addrOf<F extends "ipv4" | "ipv6">(family: F, text: string | null): { readonly [K in F]?: Addr } {
  return text === null ? {} : ({ [family]: parseAddr(text) } as { readonly [K in F]: Addr });
}

export function authKeyRow(key: PreAuthKey): Rows["authKeys"] {
  return { ...key, userId: key.userId ?? null, expiresAt: key.expiresAt ?? null, revokedAt: key.revokedAt ?? null };
}

export const authKeyOf = reading<Rows["authKeys"], PreAuthKey>(
  "auth_keys",
  "id",
  ({ userId, expiresAt, revokedAt, ...row }) => ({
    ...row,
    id: row.id as PreAuthKey["id"],
    tailnet: row.tailnet as TailnetId,
    ...(userId !== null && { userId: userId as User["id"] }),
    ...(expiresAt !== null && { expiresAt }),
    ...(revokedAt !== null && { revokedAt }),
  }),
);

export function apiKeyRow(key: ApiKey): Rows["apiKeys"] {
  return { ...key, expiresAt: key.expiresAt ?? null };
}

export const apiKeyOf = reading<Rows["apiKeys"], ApiKey>("api_keys", "id", ({ expiresAt, ...row }) => ({
  ...row,
  id: row.id as ApiKey["id"],
  ...(expiresAt !== null && { expiresAt }),
}));

const verdicts: readonly AuthRequest["verdict"][] = ["pending", "accepted", "rejected"];

export function authRequestRow(request: AuthRequest): Rows["authRequests"] {
  return { ...request, purpose: { ...request.purpose }, nodeId: request.nodeId ?? null };
}

export const authRequestOf = reading<Rows["authRequests"], AuthRequest>(
  "auth_requests",
  "id",
  ({ nodeId, ...row }) => ({
    ...row,
    id: parseAuthRequestId(row.id),
    purpose: row.purpose as unknown as AuthPurpose,
    verdict: oneOf(verdicts, row.verdict),
    ...(nodeId !== null && { nodeId: nodeId as NodeId }),
  }),
);

export function policyRow(policy: PolicyRevision, actor: Actor): Rows["policies"] {
  const utf8 = Buffer.from(policy.text);
  return { ...policy, actor, sha256: createHash("sha256").update(utf8).digest("hex"), sizeBytes: utf8.length };
}

export function policyOf({ id, tailnet, text, createdAt }: PolicyRow): PolicyRevision {
  return { id: id as PolicyRevision["id"], tailnet: tailnet as TailnetId, text, createdAt };
}
type PolicyRow = Pick<Rows["policies"], "id" | "tailnet" | "text" | "createdAt">;

export function policySummaryOf(row: Omit<Rows["policies"], "text">): PolicySummary {
  return { ...row, id: row.id as PolicySummary["id"], tailnet: row.tailnet as TailnetId };
}

/** `online` is left out: it is true only while a daemon says so. */
export function presenceRow(nodeId: NodeId, presence: Presence): Omit<Rows["presence"], "tailnet" | "replica"> {
  return {
    nodeId,
    lastSeen: presence.lastSeen ?? null,
    discoKey: presence.discoKey ?? null,
    endpoints: presence.endpoints,
    homeDerp: presence.homeDerp,
    hostinfo: presence.hostinfo,
    capVersion: presence.capVersion,
    unresponsive: presence.unresponsive ?? false,
    connectedAt: presence.connectedAt ?? null,
  };
}

const offlinePresenceOf = (row: Rows["presence"]): Presence => ({
  online: false,
  ...(row.lastSeen !== null && { lastSeen: row.lastSeen }),
  ...(row.discoKey !== null && { discoKey: DiscoKey.parse(row.discoKey) }),
  endpoints: row.endpoints,
  homeDerp: row.homeDerp,
  hostinfo: row.hostinfo as Hostinfo,
  capVersion: row.capVersion,
});

export const presenceOf = reading<Rows["presence"], readonly [NodeId, Presence]>("presence", "nodeId", (row) => [
  row.nodeId as NodeId,
  offlinePresenceOf(row),
]);

/** The same with what only daemons that share a database write; whether it is online depends on a lease. */
export const sharedPresenceOf = reading<Rows["presence"], readonly [NodeId, SharedPresence]>(
  "presence",
  "nodeId",
  (row) => [
    row.nodeId as NodeId,
    {
      replica: row.replica ?? undefined,
      presence: {
        ...offlinePresenceOf(row),
        ...(row.connectedAt !== null && { connectedAt: row.connectedAt }),
        ...(row.unresponsive && { unresponsive: true }),
      },
    },
  ],
);
