import { addrFamily, addrValue, type Prefix, prefixAddr, prefixBits } from "@headscale/netip";
import type { DNSConfig, DNSRecord, Resolver } from "@headscale/tailcfg";
import { suffixOf } from "#names/fqdn.ts";
import type { NetmapView } from "#netmap/view.ts";
import { addressesOf, type Node } from "#nodes/node.ts";
import type { Tailnet } from "#tailnets/tailnet.ts";

/** DNS of the whole server, as configured. */
export interface DnsSettings {
  readonly magicDns: boolean;
  readonly baseDomain: string;
  /** Clients use the global nameservers instead of their own. */
  readonly overrideLocalDns: boolean;
  readonly nameservers: readonly string[];
  /** domain → nameservers */
  readonly splitNameservers: Readonly<Record<string, readonly string[]>>;
  readonly searchDomains: readonly string[];
}

const resolvers = (addrs: readonly string[]): readonly Resolver[] => addrs.map((Addr) => ({ Addr }));

/** The DNSConfig of a tailnet, before per-node rewriting. Source: headscale f20f1f12 hscontrol/types/config.go dnsToTailcfgDNS. */
export function dnsConfigOf(
  settings: DnsSettings,
  tailnet: Tailnet,
  prefixes: readonly Prefix[],
  extraRecords: readonly DNSRecord[],
): DNSConfig {
  const suffix = suffixOf(tailnet, settings.baseDomain);
  const magic = settings.magicDns && suffix !== "";
  const routes: Record<string, readonly Resolver[]> = {};
  if (magic) for (const zone of [suffix, ...prefixes.flatMap(reverseZones)]) routes[zone] = [];
  for (const [domain, addrs] of Object.entries(settings.splitNameservers)) routes[domain] = resolvers(addrs);
  const global = resolvers(settings.nameservers);
  const domains = [...(magic ? [suffix] : []), ...settings.searchDomains];
  return {
    Proxied: magic,
    ...(global.length > 0 && (settings.overrideLocalDns ? { Resolvers: global } : { FallbackResolvers: global })),
    ...(Object.keys(routes).length > 0 && { Routes: routes }),
    ...(domains.length > 0 && { Domains: domains }),
    ...(extraRecords.length > 0 && { ExtraRecords: extraRecords }),
  };
}

/** The zones whose names lead to the addresses of a prefix: at most 256, the values of an octet; nibbles need at most 16. */
export function reverseZones(prefix: Prefix): readonly string[] {
  const [step, width, parts] = addrFamily(prefixAddr(prefix)) === 4 ? [8, 32, "in-addr.arpa"] : [4, 128, "ip6.arpa"];
  const bits = prefixBits(prefix);
  const whole = Math.max(step, Math.ceil(bits / step) * step);
  const base = addrValue(prefixAddr(prefix));
  const count = 2 ** (whole - bits);
  return Array.from({ length: count }, (_, i) => {
    const value = base + (BigInt(i) << BigInt(width - whole));
    const labels: string[] = [];
    for (let at = step; at <= whole; at += step) {
      const part = (value >> BigInt(width - at)) & ((1n << BigInt(step)) - 1n);
      labels.unshift(step === 8 ? part.toString() : part.toString(16));
    }
    return [...labels, parts].join(".");
  });
}

const nextDns = "https://dns.nextdns.io";
/** The host itself, not one whose name only begins like it. */
const nextDnsForm = /^https:\/\/dns\.nextdns\.io(?=$|[/?])/;
const profileForm = /^nextdns:([A-Za-z0-9._-]{1,64})$/;
const noDeviceInfo = "nextdns:no-device-info";

/** The tailnet's DNSConfig with what NextDNS wants to know of the node. Source: headscale f20f1f12 hscontrol/mapper/mapper.go. */
export function dnsConfigFor(view: NetmapView, node: Node): DNSConfig {
  const { dns } = view;
  const isNextDns = (resolver: Resolver) => nextDnsForm.test(resolver.Addr);
  const lists = [dns.Resolvers, dns.FallbackResolvers, ...Object.values(dns.Routes ?? {})];
  if (!lists.some((list) => list?.some(isNextDns))) return dns;
  const rewrite = (list: readonly Resolver[]) =>
    list.map((resolver) =>
      isNextDns(resolver) ? { ...resolver, Addr: nextDnsAddr(view, node, resolver.Addr) } : resolver,
    );
  return {
    ...dns,
    ...(dns.Resolvers && { Resolvers: rewrite(dns.Resolvers) }),
    ...(dns.FallbackResolvers && { FallbackResolvers: rewrite(dns.FallbackResolvers) }),
    ...(dns.Routes && {
      Routes: Object.fromEntries(Object.entries(dns.Routes).map(([zone, list]) => [zone, rewrite(list)])),
    }),
  };
}

function nextDnsAddr(view: NetmapView, node: Node, addr: string): string {
  const attributes = Object.keys(view.policy.selfCapabilities(node.id)).sort();
  const profile = attributes
    .filter((name) => name !== noDeviceInfo)
    .map((name) => profileForm.exec(name)?.[1])
    .find((id) => id);
  const base = profile === undefined ? addr : `${nextDns}/${profile}`;
  if (attributes.includes(noDeviceInfo)) return base;
  const [path, ownQuery] = base.split("?", 2);
  const query = new URLSearchParams(ownQuery);
  query.set("device_name", node.name);
  const os = view.presence(node.id).hostinfo.OS;
  if (os) query.set("device_model", os);
  const ip = addressesOf(node)[0];
  if (ip) query.set("device_ip", ip);
  return `${path}?${query}`;
}
