/** Inclusive range of ports; 0–65535 means any. */
export interface PortRange {
  readonly First: number;
  readonly Last: number;
}

/** One destination of a rule. `IP`: address, CIDR without host bits, inclusive range `a-b`, or `*`. */
export interface NetPortRange {
  readonly IP: string;
  readonly Ports: PortRange;
}

/** Values of a capability: any JSON; `null` means "present, without value". */
export type CapabilityValues = readonly unknown[] | null;
export type CapMap = Readonly<Record<string, CapabilityValues>>;

/** Application capabilities that sources of the rule have towards `Dsts` (prefixes, `/32` and `/128`). */
export interface CapGrant {
  readonly Dsts: readonly string[];
  readonly CapMap: CapMap;
}

/**
 * What may come in to the node that receives the rule; `DstPorts` and `CapGrant` exclude each other.
 * `SrcIPs`: address, CIDR, range `a-b`, `*` or `cap:NAME`. `IPProto` absent means TCP, UDP, ICMP and ICMPv6.
 * Source: tailscale tailcfg/tailcfg.go@de9ec7ee FilterRule.
 */
export interface FilterRule {
  readonly SrcIPs: readonly string[];
  readonly DstPorts?: readonly NetPortRange[];
  readonly IPProto?: readonly number[];
  readonly CapGrant?: readonly CapGrant[];
}
