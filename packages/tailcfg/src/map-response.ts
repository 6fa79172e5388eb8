import type { DERPMap } from "./derp-map.ts";
import type { DNSConfig } from "./dns-config.ts";
import type { FilterRule } from "./filter-rule.ts";
import type { Node, PeerChange, UserProfile } from "./node.ts";
import type { SSHPolicy } from "./ssh-policy.ts";

/** Asks a client to call `URL` (HEAD) or, with `Types: "c2n"`, to answer the raw HTTP request in `Payload` (base64). */
export interface PingRequest {
  readonly URL: string;
  readonly URLIsNoise?: boolean;
  readonly Log?: boolean;
  readonly Types?: string;
  readonly IP?: string;
  readonly Payload?: string;
}

export interface DisplayMessage {
  readonly Title: string;
  readonly Text: string;
  readonly Severity?: "high" | "medium" | "low";
  readonly ImpactsConnectivity?: boolean;
}

/** One message of the map stream; an absent field means "unchanged". Source: tailscale tailcfg/tailcfg.go@de9ec7ee MapResponse. */
export interface MapResponse {
  readonly KeepAlive?: boolean;
  readonly PingRequest?: PingRequest;
  readonly Node?: Node;
  readonly DERPMap?: DERPMap;
  readonly Peers?: readonly Node[];
  readonly PeersChanged?: readonly Node[];
  readonly PeersRemoved?: readonly number[];
  readonly PeersChangedPatch?: readonly PeerChange[];
  readonly DNSConfig?: DNSConfig;
  readonly Domain?: string;
  readonly CollectServices?: boolean;
  readonly PacketFilters?: Readonly<Record<string, readonly FilterRule[] | null>>;
  readonly UserProfiles?: readonly UserProfile[];
  readonly Health?: readonly string[];
  readonly DisplayMessages?: Readonly<Record<string, DisplayMessage | null>>;
  readonly SSHPolicy?: SSHPolicy;
  readonly ControlTime?: string;
  readonly Debug?: { readonly DisableLogTail?: boolean; readonly SleepSeconds?: number };
}
