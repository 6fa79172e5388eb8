import type { CapMap } from "@headscale/tailcfg";
import type { TailnetSettings } from "@headscale/tailnet";
import type { DnsSettings, NetmapSettings } from "@headscale/tailnet/netmap";
import type { Config } from "#config/config.ts";

/** The configuration as the model wants it. */
export function tailnetSettings({ addresses, node, dns, tuning, limits }: Config): TailnetSettings {
  return {
    prefixes: { ...(addresses.v4 && { v4: addresses.v4 }), ...(addresses.v6 && { v6: addresses.v6 }) },
    allocation: addresses.allocation,
    nodeExpiryMs: node.expiryMs ?? 0,
    baseDomain: dns.baseDomain ?? "",
    authRequestTtlMs: tuning.pendingLoginMs,
    maxAuthRequests: tuning.pendingLogins,
    maxSshChecks: limits["client.ssh_checks"],
    maxSshChecksPerNode: limits["client.ssh_checks_per_node"],
  };
}

export function dnsSettings({ dns }: Config): DnsSettings {
  return {
    magicDns: dns.magicDns,
    baseDomain: dns.baseDomain ?? "",
    overrideLocalDns: dns.overrideLocalDns,
    nameservers: dns.nameservers.global,
    splitNameservers: dns.nameservers.split,
    searchDomains: dns.searchDomains,
  };
}

/** Capabilities that every node has of itself; what the hosted service sends by default and a server without its extras can keep. */
export function netmapSettings({ dns, features }: Config): NetmapSettings {
  const selfCapabilities: CapMap = {
    ...(features.taildrop && { "https://tailscale.com/cap/file-sharing": null }),
    "https://tailscale.com/cap/ssh": null,
    "probe-udp-lifetime": null,
    "ssh-behavior-v1": null,
    "ssh-env-vars": null,
    "store-appc-routes": null,
    "default-auto-update": [features.autoUpdate],
  };
  return { baseDomain: dns.baseDomain ?? "", selfCapabilities, logtail: features.logtail };
}
