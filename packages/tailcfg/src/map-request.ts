import type { DiscoKey, NodeKey } from "#keys/public-key.ts";
import type { Hostinfo } from "./hostinfo.ts";

/** 0 unknown, 1 local, 2 STUN, 3 port-mapped, 4 STUN with local port, 5 configured. Source: tailscale tailcfg/tailcfg.go@de9ec7ee EndpointType. */
export type EndpointType = 0 | 1 | 2 | 3 | 4 | 5;

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
  /** `ip:port` candidates, parallel to `EndpointTypes`. */
  readonly Endpoints?: readonly string[];
  readonly EndpointTypes?: readonly EndpointType[];
  readonly TKAHead?: string;
  readonly DebugFlags?: readonly string[];
}
