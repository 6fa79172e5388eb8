export type { DERPMap, DERPNode, DERPRegion } from "./derp-map.ts";
export type { CapabilityValues, CapGrant, CapMap, FilterRule, NetPortRange, PortRange } from "./filter-rule.ts";
export type { SSHAction, SSHPolicy, SSHPrincipal, SSHRule } from "./ssh-policy.ts";
