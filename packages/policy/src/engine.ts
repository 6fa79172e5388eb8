import type { Addr, Prefix } from "@headscale/netip";
import type { CapMap, FilterRule, SSHPolicy } from "@headscale/tailcfg";
import type { Policy } from "#syntax/policy-document.ts";

export type UserRole = "owner" | "admin" | "it-admin" | "network-admin" | "billing-admin" | "auditor" | "member";

/** A user as policy sees it. `loginName` is the e-mail or `name@`; `shared` marks users of another tailnet. */
export interface PolicyUser {
  readonly id: number;
  readonly loginName: string;
  readonly name?: string;
  readonly providerId?: string;
  readonly roles?: readonly UserRole[];
  readonly shared?: boolean;
}

/** Value of a posture attribute, for example `node:os` or `custom:tier`. */
export type AttributeValue = string | number | boolean;

/**
 * A node as policy sees it: with tags it belongs to no user, whoever made it.
 * A route counts when it is both advertised and approved. `primaryFor`: prefixes for which the server elected this
 * node among several routers; `unreachable` routers come last. Without either, the lowest id is first.
 */
export interface PolicyNode {
  readonly id: number;
  readonly userId?: number;
  readonly tags: readonly string[];
  readonly addresses: { readonly v4?: Addr; readonly v6?: Addr };
  readonly advertisedRoutes: readonly Prefix[];
  readonly approvedRoutes: readonly Prefix[];
  readonly primaryFor?: readonly Prefix[];
  readonly unreachable?: boolean;
  /** As `Hostinfo.OS` says: `macOS`, `linux`, `windows`, … */
  readonly os?: string;
  /** Posture attributes by full name. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Services (`svc:NAME`) that this node is approved to host. */
  readonly services?: readonly string[];
}

export interface PolicyService {
  /** `svc:NAME` */
  readonly name: string;
  readonly addresses: readonly Addr[];
}

export interface PolicySettings {
  /** Domains of the tailnet for `localpart:*@DOMAIN`; absent: those of the members' logins without public mail providers. */
  readonly domains?: readonly string[];
  /** Base URL of this server, without a trailing slash; SSH check rules point there. */
  readonly serverUrl: string;
  /** Whether nodes can get HTTPS certificates. */
  readonly httpsCertificates?: boolean;
}

export interface Topology {
  readonly users: Iterable<PolicyUser>;
  readonly nodes: Iterable<PolicyNode>;
  readonly services?: Iterable<PolicyService>;
}

/** `policy` undefined: no policy was ever set, everything is allowed. */
export interface CompileInput extends Topology {
  readonly policy: Policy | undefined;
  readonly settings: PolicySettings;
}

/** The wire filter in named parts; a part keeps its identity while its content stays. `base` is always there. */
export type PacketFilters = Readonly<Record<string, readonly FilterRule[]>>;

/** Routes of one record. The object is the same for every viewer that gets the same routes of the same peer. */
export interface NodeRoutes {
  /** Without the node's own addresses. */
  readonly allowed: readonly Prefix[];
  /** Subnet routes only, never exit routes. */
  readonly primary: readonly Prefix[];
}

export interface SSHCheck {
  /** How long an earlier approval is good for; 0 = ask every time. */
  readonly periodMs: number;
}

/** What one policy makes of one topology. Answers about unknown nodes are empty. Immutable; answers are cached. */
export interface CompiledPolicy {
  readonly policy: Policy | undefined;
  /** The filter as one list, in the order of the policy. */
  filterRules(nodeId: number): readonly FilterRule[];
  packetFilters(nodeId: number): PacketFilters;
  /** Ascending ids of the nodes that this node sees. May contain the node itself. Nodes that see the same share the array. */
  peersOf(nodeId: number): readonly number[];
  canSee(a: number, b: number): boolean;
  /** Routes of `peerId` as `viewerId` gets them; use the object's identity as the variant of a cached record. */
  routesFor(viewerId: number, peerId: number): NodeRoutes;
  /** Routes in the node's own record: all approved ones, and those for which it is the primary. */
  selfRoutes(nodeId: number): NodeRoutes;
  /** Addresses the node shows to itself and to others: without IPv4 where policy disables that. */
  visibleAddresses(nodeId: number): readonly Addr[];
  /** `undefined` when the policy has no `ssh` section. Nodes with the same rules share the object. */
  sshPolicy(nodeId: number): SSHPolicy | undefined;
  /** The check rule at which the destination's client stopped for this login, if it is one. */
  sshCheck(srcId: number, dstId: number, login: string): SSHCheck | undefined;
  /** Capabilities in the node's own record that policy and roles decide. */
  selfCapabilities(nodeId: number): CapMap;
  /** Capabilities of this node in the records that its peers get. */
  peerCapabilities(nodeId: number): CapMap;
  /** Those of the node's advertised routes that `autoApprovers` approves. The node need not be in the topology yet. */
  autoApprovedRoutes(node: PolicyNode): readonly Prefix[];
  /** Whether `autoApprovers.services` lets the node host the service (`svc:NAME`). */
  mayHostService(node: PolicyNode, service: string): boolean;
  /** Networks from which `nodeAttrs.ipPool` numbers a new node, in the order of the policy; empty: no say. */
  addressPools(node: PolicyNode): readonly Prefix[];
  /** Whether a user, or a credential that holds tags, may put `tag` on a node. */
  mayAssignTag(who: { readonly userId: number } | { readonly tags: readonly string[] }, tag: string): boolean;
  /** Tags declared in `tagOwners`. */
  readonly definedTags: ReadonlySet<string>;
}

export interface PolicyChange {
  readonly putNodes?: readonly PolicyNode[];
  readonly removedNodes?: readonly number[];
  readonly putUsers?: readonly PolicyUser[];
  readonly removedUsers?: readonly number[];
  readonly services?: readonly PolicyService[];
  readonly settings?: PolicySettings;
  /** Present: replaces the policy; `undefined` inside: no policy. */
  readonly policy?: { readonly to: Policy | undefined };
}

export interface PeerChange {
  readonly added: readonly number[];
  readonly removed: readonly number[];
}

/**
 * Exactly what a change touched. All lists speak of nodes that were there before and still are: a node that joins needs
 * everything anyhow. Viewers that saw the same change share the objects.
 */
export interface Affected {
  readonly filters: readonly number[];
  readonly peers: ReadonlyMap<number, PeerChange>;
  /** Viewer → peers it saw before and sees still, whose routes for this viewer changed. */
  readonly routes: ReadonlyMap<number, readonly number[]>;
  /** Nodes whose record changed for themselves and for every viewer: visible addresses or peer capabilities. */
  readonly records: readonly number[];
  readonly selfRoutes: readonly number[];
  readonly selfCapabilities: readonly number[];
  readonly ssh: readonly number[];
}

export interface PolicyUpdate {
  readonly next: CompiledPolicy;
  readonly affected: Affected;
}
