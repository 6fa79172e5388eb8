import type { Prefix } from "@headscale/netip";
import type { NodeId, Presence, TailnetId } from "@headscale/tailnet";

/** A node's presence as the daemons on this database have written it down. */
export interface SharedPresence {
  readonly presence: Presence;
  /** The daemon that the node is connected to; undefined: to none. */
  readonly replica: string | undefined;
}

/** Which router serves a prefix of a tailnet. */
export interface PrimaryRouter {
  readonly tailnet: TailnetId;
  readonly prefix: Prefix;
  readonly node: NodeId | undefined;
}

export interface PrimaryClaim extends PrimaryRouter {
  /** What the role was when this was decided: a claim that comes too late changes nothing. */
  readonly seen: NodeId | undefined;
}

/** Whose lease runs. */
export interface Leases {
  /** Names of daemons, this one's included. */
  readonly running: ReadonlySet<string>;
  /** This daemon's own lease had run out, so that others took its nodes for gone. */
  readonly lapsed: boolean;
}

/** What another daemon wrote: presence of these nodes, or primaries; undefined when news may have been missed. */
export type ReplicaNews = { readonly presenceOf: readonly NodeId[] } | { readonly primaries: true } | undefined;

/**
 * How daemons that share a database tell each other what is no change: who is connected where, and which router serves.
 * Every method may throw a `StoreError` "unavailable".
 */
export interface Replicas {
  /** This daemon's name; another one after every start. */
  readonly self: string;
  /** Makes this daemon's lease run for `ms` from now, by the database's clock, and clears up after daemons that are gone. */
  renew(ms: number): Promise<Leases>;
  /** Of these nodes, or of all. */
  presence(ids?: readonly NodeId[]): Promise<ReadonlyMap<NodeId, SharedPresence>>;
  primaries(): Promise<readonly PrimaryRouter[]>;
  /** Of claims to the same role the first counts. */
  claim(claims: readonly PrimaryClaim[]): Promise<void>;
  /** Calls back after writes of other daemons. */
  onNews(listener: (news: ReplicaNews) => void): Disposable;
}
