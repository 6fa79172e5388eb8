/** What a client knows of its network. `PreferredDERP` is its home region; `DERPLatency` changes at almost every check. */
export interface NetInfo {
  readonly PreferredDERP?: number;
  readonly DERPLatency?: Readonly<Record<string, number>>;
  readonly [other: string]: unknown;
}

/** A service that a client offers; `peerapi4`, `peerapi6` and `peerapi-dns-proxy` must reach its peers or Taildrop and exit-node DNS break. */
export interface Service {
  readonly Proto: string;
  readonly Port: number;
  readonly Description?: string;
}

/**
 * What a client says of itself. The fields we act on are typed, the others are kept as they came.
 * Source: tailscale tailcfg/tailcfg.go@de9ec7ee Hostinfo.
 */
export interface Hostinfo {
  readonly Hostname?: string;
  readonly OS?: string;
  readonly OSVersion?: string;
  readonly IPNVersion?: string;
  readonly DeviceModel?: string;
  readonly RoutableIPs?: readonly string[];
  readonly RequestTags?: readonly string[];
  readonly Services?: readonly Service[];
  readonly NetInfo?: NetInfo;
  readonly ShieldsUp?: boolean;
  readonly ShareeNode?: boolean;
  readonly Location?: Readonly<Record<string, unknown>>;
  readonly PeerRelay?: boolean;
  readonly AppConnector?: boolean | null;
  readonly sshHostKeys?: readonly string[];
  readonly [other: string]: unknown;
}
