export { type DnsSettings, dnsConfigFor, dnsConfigOf } from "#dns/dns-config.ts";
export { type Candidate, electPrimary, type Primaries } from "#routes/election.ts";
export { derpMapFor } from "./derp-map.ts";
export { explicit, filterDelta, netmapDelta } from "./netmap-delta.ts";
export { domainOf, filtersFor, firstMessage, headOf, type Netmap, netmapFor, noSshRules } from "./netmap-for.ts";
export { ownerProfile, profileOf, profileOfId } from "./profiles.ts";
export { peerRecord, selfRecord, shownHostinfo, stableIdOf } from "./record.ts";
export type { NetmapSettings, NetmapView } from "./view.ts";
