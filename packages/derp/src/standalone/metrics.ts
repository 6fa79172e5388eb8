import type { RelayStats } from "#relay/stats.ts";
import type { StunStats } from "#stun/stun-server.ts";

/** What can fall as well as rise. */
const GAUGES: ReadonlySet<string> = new Set([
  "connections",
  "pendingLogins",
  "homeConnections",
  "notIdealConnections",
  "watchers",
  "localKeys",
  "remoteKeys",
  "duplicateKeys",
  "duplicateConnections",
  "heldBytes",
  "queuedPackets",
]);

/** Prometheus text of what relay and STUN server counted. */
export function metricsText(relay: RelayStats, stun: StunStats | undefined): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(relay))
    if (typeof value === "number") lines.push(...metric("derp", name, value, GAUGES.has(name)));
  lines.push("# TYPE derp_dropped_packets_total counter");
  for (const [reason, kinds] of Object.entries(relay.drops))
    for (const [kind, amount] of Object.entries(kinds))
      lines.push(`derp_dropped_packets_total{reason="${reason}",kind="${kind}"} ${amount.packets}`);
  for (const [name, value] of Object.entries(stun ?? {})) lines.push(...metric("stun", name, value, false));
  return `${lines.join("\n")}\n`;
}

function metric(family: string, name: string, value: number, isGauge: boolean): [string, string] {
  const snake = name.replace(/IPv(\d)/, "_ipv$1").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const full = `${family}_${snake}${isGauge ? "" : "_total"}`;
  return [`# TYPE ${full} ${isGauge ? "gauge" : "counter"}`, `${full} ${value}`];
}
