import type { DiscoKey, NodeKey } from "#keys/public-key.ts";
import type { Hostinfo } from "./hostinfo.ts";

/** Body of `POST /machine/map`. Source: tailscale tailcfg/tailcfg.go@de9ec7ee MapRequest. */
export interface MapRequest {
  readonly Version: number;
  readonly NodeKey: NodeKey;
  /** Absent when the request carries Go's zero key: nothing is said about it then. */
  readonly DiscoKey?: DiscoKey;
  readonly Stream: boolean;
  readonly OmitPeers: boolean;
  readonly ReadOnly: boolean;
  readonly Compress?: string;
  readonly KeepAlive?: boolean;
  readonly Hostinfo?: Hostinfo;
  /** `ip:port` candidates. */
  readonly Endpoints?: readonly string[];
  readonly TKAHead?: string;
  readonly DebugFlags?: readonly string[];
}
