import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ApiKey as ApiKeyMessage, ApiKeySchema } from "@headscale/gen/headscale/v1/apikey_pb.ts";
import { type Node as NodeMessage, NodeSchema, RegisterMethod } from "@headscale/gen/headscale/v1/node_pb.ts";
import { type PreAuthKey as PreAuthKeyMessage, PreAuthKeySchema } from "@headscale/gen/headscale/v1/preauthkey_pb.ts";
import { type Tailnet as TailnetMessage, TailnetSchema } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { type User as UserMessage, UserSchema } from "@headscale/gen/headscale/v1/user_pb.ts";
import { isExitRoute, type Prefix } from "@headscale/netip";
import { DiscoKey } from "@headscale/tailcfg/keys";
import {
  type ApiKey,
  addressesOf,
  announcedRoutes,
  effectiveRoutes,
  fqdnOf,
  isExpired,
  loginNameOf,
  type Node,
  nodesOf,
  type PreAuthKey,
  suffixOf,
  type Tailnet,
  taggedDevicesUserId,
  tagsOf,
  type User,
  userIdOf,
  usersOf,
} from "@headscale/tailnet";
import type { Live } from "#live/live.ts";

/** Absent stays absent. */
export function timestamp(ms: number | undefined): Timestamp | undefined {
  return ms === undefined ? undefined : timestampFromMs(ms);
}

/** `undefined` in an init shape means absent; `exactOptionalPropertyTypes` wants it left out instead. */
function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function tailnetName(live: Live, id: Tailnet["id"]): string {
  return live.world.tailnets.get(id)?.name ?? "";
}

export function toUser(live: Live, user: User): UserMessage {
  return create(UserSchema, {
    id: BigInt(user.id),
    name: user.name || loginNameOf(user),
    createdAt: timestampFromMs(user.createdAt),
    displayName: user.displayName,
    email: user.email,
    providerId: user.providerId,
    provider: user.provider,
    profilePicUrl: user.profilePicUrl,
    tailnet: tailnetName(live, user.tailnet),
    role: user.role,
  });
}

/** The stand-in owner of tagged nodes in lists. */
export function taggedDevicesUser(): UserMessage {
  return create(UserSchema, { id: BigInt(taggedDevicesUserId), name: "tagged-devices", displayName: "Tagged Devices" });
}

/** A key as it is shown after its creation: the secret is masked. */
export function toPreAuthKey(live: Live, key: PreAuthKey, secret?: string): PreAuthKeyMessage {
  const user = key.userId === undefined ? undefined : live.world.users.get(key.userId);
  return create(
    PreAuthKeySchema,
    present({
      user: user && toUser(live, user),
      id: BigInt(key.id),
      key: secret ?? `hskey-auth-${key.prefix}-***`,
      reusable: key.reusable,
      ephemeral: key.ephemeral,
      used: key.used,
      expiration: timestamp(key.expiresAt),
      createdAt: timestampFromMs(key.createdAt),
      aclTags: [...key.tags],
      tailnet: tailnetName(live, key.tailnet),
    }),
  );
}

/** `lastSeen` in ms since the epoch. */
export function toApiKey(key: ApiKey, lastSeen: number | undefined): ApiKeyMessage {
  return create(
    ApiKeySchema,
    present({
      id: BigInt(key.id),
      prefix: `hskey-api-${key.prefix}-***`,
      expiration: timestamp(key.expiresAt),
      createdAt: timestampFromMs(key.createdAt),
      lastSeen: timestamp(lastSeen),
    }),
  );
}

export function toTailnet(live: Live, tailnet: Tailnet): TailnetMessage {
  const owner = tailnet.defaultOwner === undefined ? undefined : live.world.users.get(tailnet.defaultOwner);
  return create(
    TailnetSchema,
    present({
      id: BigInt(tailnet.id),
      name: tailnet.name,
      createdAt: timestampFromMs(tailnet.createdAt),
      defaultOwner: owner && toUser(live, owner),
      revision: BigInt(live.world.revisions.get(tailnet.id) ?? 0),
      userCount: usersOf(live.world, tailnet.id).length,
      nodeCount: nodesOf(live.world, tailnet.id).length,
    }),
  );
}

const registerMethods = {
  authkey: RegisterMethod.AUTH_KEY,
  cli: RegisterMethod.CLI,
  oidc: RegisterMethod.OIDC,
} satisfies Record<Node["registerMethod"], RegisterMethod>;

/** `inList`: tagged nodes get the stand-in owner, as headscale's lists have it. */
export function toNode(live: Live, node: Node, { inList }: { readonly inList: boolean }): NodeMessage {
  const presence = live.presence(node.id);
  const user = live.world.users.get(userIdOf(node) ?? taggedDevicesUserId);
  const tailnet = live.world.tailnets.get(node.tailnet);
  const key = node.authKeyId === undefined ? undefined : live.world.authKeys.get(node.authKeyId);
  return create(
    NodeSchema,
    present({
      id: BigInt(node.id),
      machineKey: node.machineKey,
      nodeKey: node.nodeKey,
      discoKey: presence.discoKey ?? DiscoKey.zero,
      ipAddresses: [...addressesOf(node)],
      name: node.hostname,
      user: user ? toUser(live, user) : inList ? taggedDevicesUser() : undefined,
      lastSeen: timestamp(presence.online ? live.now() : presence.lastSeen),
      expiry: timestamp(node.expiry),
      preAuthKey: key && toPreAuthKey(live, key),
      createdAt: timestampFromMs(node.createdAt),
      registerMethod: registerMethods[node.registerMethod],
      givenName: node.name,
      online: presence.online,
      ...routeFields(live, node),
      tags: [...tagsOf(node)],
      tailnet: tailnet?.name ?? "",
      stableId: String(node.id),
      fqdn: tailnet ? fqdnOf(node.name, suffixOf(tailnet, live.settings.baseDomain)).replace(/\.$/, "") : "",
      ephemeral: node.ephemeral,
      expired: isExpired(node, live.now()),
      os: presence.hostinfo.OS ?? "",
      osVersion: presence.hostinfo.OSVersion ?? "",
      clientVersion: presence.hostinfo.IPNVersion ?? "",
      capabilityVersion: presence.capVersion,
      endpoints: [...presence.endpoints],
      homeDerp: presence.homeDerp,
      connectedAt: timestamp(presence.connectedAt),
    }),
  );
}

function routeFields(
  live: Live,
  node: Node,
): Pick<MessageInitShape<typeof NodeSchema>, "approvedRoutes" | "availableRoutes" | "subnetRoutes" | "routes"> {
  const announced = announcedRoutes(live.presence(node.id).hostinfo);
  const effective = new Set(effectiveRoutes(announced, node.approvedRoutes));
  const { primaries } = live.tailnet(node.tailnet).routers;
  const serves = (prefix: Prefix) =>
    effective.has(prefix) && (isExitRoute(prefix) || primaries.get(prefix) === node.id);
  const all = [...new Set([...announced, ...node.approvedRoutes])];
  return {
    approvedRoutes: [...node.approvedRoutes],
    availableRoutes: [...announced],
    subnetRoutes: all.filter(serves),
    routes: all.map((prefix) => ({
      prefix,
      announced: announced.includes(prefix),
      approved: node.approvedRoutes.includes(prefix),
      serving: serves(prefix),
      exit: isExitRoute(prefix),
    })),
  };
}
