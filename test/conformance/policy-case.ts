import type { CapMap, FilterRule, SSHRule } from "@headscale/tailcfg";

/** A record as the service sent it: of the node itself or of a peer. */
export interface RecordedNode {
  readonly Tags?: readonly string[];
  readonly AllowedIPs?: readonly string[];
  readonly PrimaryRoutes?: readonly string[];
  readonly CapMap?: CapMap;
}

/** What one node received. */
export interface RecordedView {
  readonly packetFilterRules: readonly FilterRule[] | null;
  readonly sshRules?: readonly SSHRule[] | null;
  readonly self: RecordedNode;
  readonly peers?: Readonly<Record<string, RecordedNode>>;
  /** Source address → capabilities. */
  readonly whois?: Readonly<Record<string, CapMap>>;
}

export interface CaseNode {
  readonly hostname: string;
  readonly user?: string;
  readonly tags?: readonly string[] | null;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly routable_ips?: readonly string[] | null;
}

/** One line of a case file; the folder's README describes the fields. */
export interface PolicyCase {
  readonly id: string;
  readonly policy: unknown;
  readonly topology: {
    readonly users: readonly { readonly id: number; readonly name: string; readonly email: string }[];
    readonly nodes: Readonly<Record<string, CaseNode>>;
  };
  readonly accepted: boolean;
  readonly status?: number;
  readonly message?: string;
  readonly nodes?: Readonly<Record<string, RecordedView>>;
}
