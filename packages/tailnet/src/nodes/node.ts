import type { Addr, Prefix } from "@headscale/netip";
import type { Hostinfo } from "@headscale/tailcfg";
import type { DiscoKey, MachineKey, NLKey, NodeKey } from "@headscale/tailcfg/keys";
import type { NodeId, PreAuthKeyId, TailnetId, UserId } from "#world/ids.ts";

export type RegisterMethod = "authkey" | "cli" | "oidc";

/** A node belongs either to a user or to its tags, never to both. `tags` sorted, unique, non-empty. */
export type NodeOwner =
  | { readonly kind: "user"; readonly userId: UserId }
  | { readonly kind: "tags"; readonly tags: readonly string[] };

/** The durable half of a node: what registration and administrators decide. Times in ms since the epoch. */
export interface Node {
  readonly id: NodeId;
  readonly tailnet: TailnetId;
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly nlKey?: NLKey;
  /** As the client reports it. */
  readonly hostname: string;
  /** The DNS label, unique in its tailnet. */
  readonly name: string;
  /** An administrator chose `name`: reported hostnames no longer change it. */
  readonly renamed: boolean;
  readonly owner: NodeOwner;
  readonly ipv4?: Addr;
  readonly ipv6?: Addr;
  /** Absent: the key does not expire. */
  readonly expiry?: number;
  readonly ephemeral: boolean;
  readonly registerMethod: RegisterMethod;
  readonly authKeyId?: PreAuthKeyId;
  /** Sorted, unique; counts only where the node also announces the prefix. */
  readonly approvedRoutes: readonly Prefix[];
  readonly createdAt: number;
}

/**
 * The half of a node that changes a hundred times more often: memory first, written behind. A crash may lose seconds of it.
 * `online` is never stored.
 */
export interface Presence {
  readonly online: boolean;
  /** Since when; while it is online. */
  readonly connectedAt?: number;
  /** A router that is connected and answers no probes. */
  readonly unresponsive?: true;
  /** When it was last connected; meaningful while offline. */
  readonly lastSeen?: number;
  readonly discoKey?: DiscoKey;
  readonly endpoints: readonly string[];
  /** DERP region, 0 = unknown. */
  readonly homeDerp: number;
  readonly hostinfo: Hostinfo;
  /** Capability version of its last request, 0 = unknown. */
  readonly capVersion: number;
}

export const unknownPresence: Presence = { online: false, endpoints: [], homeDerp: 0, hostinfo: {}, capVersion: 0 };

export function isExpired(node: Node, now: number): boolean {
  return node.expiry !== undefined && node.expiry <= now;
}

export function tagsOf(node: Node): readonly string[] {
  return node.owner.kind === "tags" ? node.owner.tags : [];
}

export function userIdOf(node: Node): UserId | undefined {
  return node.owner.kind === "user" ? node.owner.userId : undefined;
}

export function addressesOf(node: Node): readonly Addr[] {
  return [node.ipv4, node.ipv6].filter((addr) => addr !== undefined);
}
