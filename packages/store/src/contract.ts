import type {
  Actor,
  ApiKeyId,
  Change,
  NodeId,
  PolicyId,
  PolicyRevision,
  Presence,
  TailnetId,
  WorldRows,
} from "@headscale/tailnet";
import type { HistoryPage, HistoryQuery } from "./history.ts";
import type { Replicas } from "./replicas.ts";

/** Everything a daemon serves from memory; `online` of a stored presence is always false. */
export interface StoredState extends WorldRows {
  readonly presence: ReadonlyMap<NodeId, Presence>;
}

/** A policy that was set once, without its text. */
export interface PolicySummary {
  readonly id: PolicyId;
  readonly tailnet: TailnetId;
  readonly createdAt: number;
  readonly actor: Actor;
  /** SHA-256 of the text, lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export type PresenceMove = "came" | "left";

/** What is kept of the history; absent: no limit. */
export interface HistoryLimits {
  /** Changes from before this moment go, ms since the epoch. */
  readonly before?: number | undefined;
  /** Only so many of the newest changes stay, over all tailnets. */
  readonly keep?: number | undefined;
}

/**
 * What outlives the process. A store receives finished changes and never lends a transaction.
 * Every method may throw a `StoreError` "unavailable" besides what it names.
 */
export interface Store extends AsyncDisposable {
  /** One consistent picture. @throws {StoreError} "corrupt" */
  load(): Promise<StoredState>;

  /**
   * All or nothing, durable when it resolves. Calls made one after the other take effect in that order without waiting
   * for each other, and share a disk write where they can.
   * @throws {StoreError} "stale-revision" unless each tailnet stands right before its first change, "conflict".
   */
  commit(changes: readonly Change[]): Promise<void>;

  /**
   * What happened after the given revisions, in an order that can be applied; an absent tailnet means revision 0.
   * @throws {StoreError} "history-gone"
   */
  changesSince(revisions: ReadonlyMap<TailnetId, number>): Promise<readonly Change[]>;

  /** A page of the audit log. @throws {StoreError} "history-gone" when it does not reach back to `afterRevision`. */
  history(query: HistoryQuery): Promise<HistoryPage>;

  /**
   * Forgets some of the oldest changes that are past these limits; false when none are left that are. One call is one
   * short transaction. What the changes led to stays, policies included.
   */
  forgetHistory(limits: HistoryLimits): Promise<boolean>;

  /** Newest first. */
  policyHistory(tailnet: TailnetId): Promise<readonly PolicySummary[]>;

  /** One policy as it once was; undefined unless the tailnet had it. */
  policyRevision(tailnet: TailnetId, id: PolicyId): Promise<PolicyRevision | undefined>;

  /**
   * Replaces the presence of these nodes; nodes that no longer exist are passed over. `moves` says who of them came to
   * this daemon or left it: one that has come to another daemon since is not taken away from it.
   */
  writePresence(rows: ReadonlyMap<NodeId, Presence>, moves?: ReadonlyMap<NodeId, PresenceMove>): Promise<void>;

  /** The other daemons on this database; an embedded one has none. */
  readonly replicas: Replicas | undefined;

  /** When API keys were last used, ms since the epoch; keys that are gone are passed over, and earlier moments too. */
  writeKeyUses(uses: ReadonlyMap<ApiKeyId, number>): Promise<void>;
  keyUses(): Promise<ReadonlyMap<ApiKeyId, number>>;

  /** A small file that all daemons on this database share. Names are words, digits, `.`, `-`, `_` and `/`. */
  readBlob(name: string): Promise<Uint8Array | undefined>;
  /** Durable and whole when it resolves. */
  writeBlob(name: string, bytes: Uint8Array): Promise<void>;
  /** Writes the blob unless there is one, and returns the one there is: so daemons that start together agree on a key. */
  agreeOnBlob(name: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** Writes the blob if it is `expected` still, and returns the one there is then. */
  exchangeBlob(name: string, expected: Uint8Array, bytes: Uint8Array): Promise<Uint8Array | undefined>;
  deleteBlob(name: string): Promise<void>;

  /** Resolves when the database takes writes. */
  ping(): Promise<void>;

  /**
   * Calls back after commits of other daemons, and whenever some may have been missed. It says nothing but "look":
   * read `changesSince`. An embedded database never calls.
   */
  onCommitElsewhere(listener: () => void): Disposable;
}
