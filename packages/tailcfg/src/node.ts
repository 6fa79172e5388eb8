import type { DiscoKey, MachineKey, NodeKey } from "#keys/public-key.ts";
import type { CapMap } from "./filter-rule.ts";
import type { Hostinfo } from "./hostinfo.ts";

/**
 * A node as clients see it. `Name` ends in a dot; `Addresses` and `AllowedIPs` are prefixes (absent AllowedIPs =
 * Addresses); times are RFC 3339. Source: tailscale tailcfg/tailcfg.go@de9ec7ee Node.
 */
export interface Node {
  readonly ID: number;
  readonly StableID: string;
  readonly Name: string;
  readonly User: number;
  readonly Sharer?: number;
  readonly Key: NodeKey;
  readonly KeyExpiry?: string;
  readonly KeySignature?: string;
  readonly Machine?: MachineKey;
  readonly DiscoKey?: DiscoKey;
  readonly Addresses: readonly string[];
  readonly AllowedIPs?: readonly string[];
  readonly Endpoints?: readonly string[];
  readonly HomeDERP?: number;
  readonly Hostinfo?: Hostinfo;
  readonly Created?: string;
  readonly Cap?: number;
  readonly Tags?: readonly string[];
  readonly PrimaryRoutes?: readonly string[];
  readonly LastSeen?: string;
  /** Always sent for peers: absent means "unknown" and such a peer carries no route. */
  readonly Online?: boolean;
  readonly MachineAuthorized?: boolean;
  readonly CapMap?: CapMap;
  readonly Expired?: boolean;
  readonly IsJailed?: boolean;
}

/** Changes of a peer that clients apply without rebuilding their map; absent fields are unchanged. */
export interface PeerChange {
  readonly NodeID: number;
  readonly DERPRegion?: number;
  readonly Endpoints?: readonly string[];
  readonly Online?: boolean;
  readonly LastSeen?: string;
  readonly Cap?: number;
  readonly CapMap?: CapMap;
  readonly Key?: NodeKey;
  readonly DiscoKey?: DiscoKey;
  readonly KeyExpiry?: string;
}

export interface UserProfile {
  readonly ID: number;
  readonly LoginName: string;
  readonly DisplayName: string;
  readonly ProfilePicURL?: string;
}
