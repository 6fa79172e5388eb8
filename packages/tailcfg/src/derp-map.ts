/** One relay or STUN server. Defaults: `STUNPort` 0 = 3478, −1 = off; `DERPPort` 0 = 443. Source: tailscale tailcfg/derpmap.go@de9ec7ee. */
export interface DERPNode {
  readonly Name: string;
  readonly RegionID: number;
  readonly HostName: string;
  readonly CertName?: string;
  readonly IPv4?: string;
  readonly IPv6?: string;
  readonly STUNPort?: number;
  readonly STUNOnly?: boolean;
  readonly DERPPort?: number;
  readonly InsecureForTests?: boolean;
  readonly STUNTestIP?: string;
  readonly CanPort80?: boolean;
}

/** `RegionID` > 0, 900–999 for private use; `Nodes` in order of preference. */
export interface DERPRegion {
  readonly RegionID: number;
  readonly RegionCode: string;
  readonly RegionName: string;
  readonly Latitude?: number;
  readonly Longitude?: number;
  readonly Avoid?: boolean;
  readonly NoMeasureNoHome?: boolean;
  readonly Nodes: readonly DERPNode[];
}

export interface DERPMap {
  readonly HomeParams?: { readonly RegionScore?: Readonly<Record<string, number>> };
  readonly Regions: Readonly<Record<string, DERPRegion>>;
  readonly omitDefaultRegions?: boolean;
}
