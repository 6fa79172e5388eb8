import { parseAddr, parsePrefix } from "@headscale/netip";
import { DiscoKey, MachineKey, NLKey, NodeKey } from "@headscale/tailcfg/keys";
import {
  type ApiKey,
  type ApiKeyId,
  type AuthRequest,
  type Change,
  type Effect,
  type Node,
  type NodeId,
  type PolicyId,
  type PolicyRevision,
  type PreAuthKey,
  type PreAuthKeyId,
  type Presence,
  parseAuthRequestId,
  serverScope,
  type Tailnet,
  type TailnetId,
  type User,
  type UserId,
} from "@headscale/tailnet";

// Rows of every kind, told apart by a number, and the changes that write them.

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, "0");
const key = (n: number) => hex(n, 64);

export const home = 1 as TailnetId;
export const guests = 2 as TailnetId;

export const tailnet = (id: TailnetId, more: Partial<Tailnet> = {}): Tailnet => ({
  id,
  name: `net-${id}`,
  createdAt: 1_000 + id,
  ...more,
});

export const user = (n: number, more: Partial<User> = {}): User => ({
  id: n as UserId,
  tailnet: home,
  name: `user-${n}`,
  displayName: "",
  email: "",
  providerId: "",
  provider: "",
  profilePicUrl: "",
  role: "member",
  createdAt: 2_000 + n,
  ...more,
});

export const node = (n: number, more: Partial<Node> = {}): Node => ({
  id: n as NodeId,
  tailnet: home,
  machineKey: MachineKey.parse(`mkey:${key(n)}`),
  nodeKey: NodeKey.parse(`nodekey:${key(n)}`),
  hostname: `Host ${n}`,
  name: `host-${n}`,
  renamed: false,
  owner: { kind: "user", userId: 1 as UserId },
  ipv4: parseAddr(`100.64.${n >> 8}.${n & 255}`),
  ipv6: parseAddr(`fd7a:115c:a1e0::${hex(n, 1)}`),
  ephemeral: false,
  registerMethod: "cli",
  approvedRoutes: [],
  createdAt: 3_000 + n,
  ...more,
});

/** A node that has everything a node may have. */
export const fullNode = (n: number): Node =>
  node(n, {
    nlKey: NLKey.parse(`nlpub:${key(n)}`),
    owner: { kind: "tags", tags: ["tag:a", "tag:b"] },
    renamed: true,
    expiry: 9_007_199_254_740_991,
    ephemeral: true,
    registerMethod: "authkey",
    authKeyId: 7 as PreAuthKeyId,
    approvedRoutes: [parsePrefix("0.0.0.0/0"), parsePrefix("10.0.0.0/8"), parsePrefix("::/0")],
  });

export const authKey = (n: number, more: Partial<PreAuthKey> = {}): PreAuthKey => ({
  id: n as PreAuthKeyId,
  tailnet: home,
  userId: 1 as UserId,
  prefix: hex(n, 12),
  hash: key(n),
  reusable: false,
  ephemeral: true,
  used: false,
  tags: [],
  createdAt: 4_000 + n,
  ...more,
});

export const apiKey = (n: number, more: Partial<ApiKey> = {}): ApiKey => ({
  id: n as ApiKeyId,
  prefix: hex(n, 12),
  hash: key(n),
  createdAt: 5_000 + n,
  ...more,
});

export const authRequest = (n: number, more: Partial<AuthRequest> = {}): AuthRequest => ({
  id: parseAuthRequestId(`hskey-authreq-${hex(n, 24)}`),
  purpose: {
    kind: "register",
    machineKey: MachineKey.parse(`mkey:${key(n)}`),
    nodeKey: NodeKey.parse(`nodekey:${key(n)}`),
    hostinfo: { Hostname: `host-${n}`, RequestTags: ["tag:a"] },
    ephemeral: false,
  },
  verdict: "pending",
  createdAt: 6_000 + n,
  expiresAt: 7_000 + n,
  ...more,
});

export const policy = (n: number, more: Partial<PolicyRevision> = {}): PolicyRevision => ({
  id: n as PolicyId,
  tailnet: home,
  text: `{"acls": [] /* ${n} */}`,
  createdAt: 8_000 + n,
  ...more,
});

export const presence = (n: number, more: Partial<Presence> = {}): Presence => ({
  online: false,
  lastSeen: 9_000 + n,
  discoKey: DiscoKey.parse(`discokey:${key(n)}`),
  endpoints: [`192.0.2.${n}:41641`],
  homeDerp: n,
  hostinfo: { OS: "linux", NetInfo: { PreferredDERP: n, DERPLatency: { "1-v4": 0.0012 } } },
  capVersion: 145,
  ...more,
});

/** Effects that put rows, in a kind that suits. */
export const put = {
  tailnet: (after: Tailnet): Effect => effect("tailnet", after.id, "tailnet-created", after),
  user: (after: User): Effect => effect("user", after.tailnet, "user-created", after),
  node: (after: Node, kind: Effect["kind"] = "node-registered"): Effect => effect("node", after.tailnet, kind, after),
  authKey: (after: PreAuthKey): Effect => effect("auth-key", after.tailnet, "auth-key-created", after),
  apiKey: (after: ApiKey): Effect => effect("api-key", serverScope, "api-key-created", after),
  authRequest: (after: AuthRequest): Effect => effect("auth-request", serverScope, "auth-request-created", after),
  policy: (after: PolicyRevision): Effect => effect("policy", after.tailnet, "policy-set", after),
};

function effect(subject: Effect["subject"], scope: TailnetId, kind: Effect["kind"], after: { id: unknown }): Effect {
  return { subject, tailnet: scope, kind, id: after.id, after } as Effect;
}

/** A tailnet with a user: what other rows refer to. */
export const base = () => [put.tailnet(tailnet(home)), put.user(user(1))];

/** The effect that removes what another one put. */
export function drop({ subject, tailnet: scope, id }: Effect): Effect {
  return { subject, tailnet: scope, kind: `${subject}-deleted`, id, after: undefined } as Effect;
}

/** Numbers effects as the changes that follow one another from an empty store, or from where it left off. */
export class Numbering {
  readonly #revisions: Map<TailnetId, number>;
  #clock = 0;

  constructor(revisions: Iterable<readonly [TailnetId, number]> = []) {
    this.#revisions = new Map(revisions);
  }

  changes(...effects: readonly Effect[]): readonly Change[] {
    return effects.map((each) => {
      const revision = (this.#revisions.get(each.tailnet) ?? 0) + 1;
      this.#revisions.set(each.tailnet, revision);
      return { ...each, revision, at: ++this.#clock, actor: "socket" };
    });
  }
}
