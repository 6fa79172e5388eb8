import type { DNSRecord } from "@headscale/tailcfg";
import { isRawMap, type Raw } from "../document.ts";
import { type Key, key, optional, type Reading } from "../key.ts";
import { flag, type Kind, listOf, mapOf, path, text, UnfitValue } from "../kind/kind.ts";
import { domain, isNameserver } from "../kind/network.ts";
import type { Place } from "../place.ts";

const defaultBaseDomain = "tailnet.internal";

const recordShape =
  'a section with name, type and value, such as { name: "grafana.example.com", type: "A", value: "100.64.0.3" }';

const extraRecord: Kind<DNSRecord> = {
  wants: recordShape,
  structured: true,
  parse(raw: Raw): DNSRecord {
    const field = (name: string): string => {
      const entry = isRawMap(raw) ? Object.entries(raw).find(([key]) => key.toLowerCase() === name)?.[1] : undefined;
      if (entry !== undefined && typeof entry !== "string") throw new UnfitValue(recordShape);
      return entry ?? "";
    };
    const record = { Name: field("name"), Type: field("type"), Value: field("value") };
    if (record.Name === "" || record.Value === "") throw new UnfitValue(recordShape);
    return record;
  },
};

export const dnsKeys = {
  "dns.magic_dns": key(flag, "true", "Nodes find each other by name."),
  "dns.base_domain": optional(
    domain,
    { derived: defaultBaseDomain },
    "Nodes are called NAME.base_domain. It must not be the host of server_url nor a parent domain of it.",
  ),
  "dns.override_local_dns": optional(
    flag,
    { derived: "false" },
    "Nodes ask dns.nameservers.global for everything instead of the resolvers of their network. Default: true when there are such nameservers.",
  ),
  "dns.nameservers.global": key(
    listOf(text),
    [],
    "Resolvers for everything: addresses, or DNS over HTTPS such as https://dns.nextdns.io/abc123.",
  ),
  "dns.nameservers.split": key(mapOf(listOf(text)), {}, "Resolvers for single domains: `domain: [addresses]`."),
  "dns.search_domains": key(listOf(domain), [], "Tried after base_domain when a name has no dot."),
  "dns.extra_records": key(
    { ...listOf(extraRecord), structured: true },
    [],
    "A and AAAA records of your own, each with name, type and value.",
  ),
  "dns.extra_records_path": optional(
    path,
    { example: "/var/lib/headscale/extra-records.json" },
    "The same from a JSON file, read again on every change; instead of dns.extra_records.",
  ),
} satisfies Record<string, Key<unknown>>;

export interface DnsConfig {
  readonly magicDns: boolean;
  /** `undefined` only without MagicDNS. */
  readonly baseDomain: string | undefined;
  /** Whether the global nameservers replace those of the node's network, or are only asked when it has none. */
  readonly overrideLocalDns: boolean;
  readonly nameservers: {
    readonly global: readonly string[];
    readonly split: Readonly<Record<string, readonly string[]>>;
  };
  readonly searchDomains: readonly string[];
  readonly extraRecords: readonly DNSRecord[];
  readonly extraRecordsPath: string | undefined;
}

type DnsReading = Reading<typeof dnsKeys>;

export function dnsSection(reading: DnsReading, place: Place, serverHost: string): DnsConfig {
  const { value, stated, remarks } = reading;
  const global = usable(value["dns.nameservers.global"], "dns.nameservers.global", reading);
  const override = value["dns.override_local_dns"];
  if (override === true && global.length === 0) {
    remarks.refuse(
      "dns.nameservers.global",
      "must name a resolver while dns.override_local_dns is true: nodes would have none left",
    );
  }
  const recordsPath = value["dns.extra_records_path"];
  if (recordsPath !== undefined && value["dns.extra_records"].length > 0) {
    remarks.refuse("dns.extra_records_path", "set either this or dns.extra_records, not both");
  }
  const baseDomain = value["dns.base_domain"] ?? (stated.has("dns.base_domain") ? undefined : defaultBaseDomain);
  checkBaseDomain(baseDomain, serverHost, reading);
  return {
    magicDns: value["dns.magic_dns"],
    baseDomain,
    overrideLocalDns: override ?? global.length > 0,
    nameservers: { global, split: splitNameservers(reading) },
    searchDomains: value["dns.search_domains"],
    extraRecords: value["dns.extra_records"],
    extraRecordsPath: recordsPath === undefined ? undefined : place.resolve(recordsPath),
  };
}

/** Clients hand the whole base domain to their own resolver, so a server inside it is out of reach. */
function checkBaseDomain(baseDomain: string | undefined, serverHost: string, { value, remarks }: DnsReading): void {
  if (baseDomain === undefined) {
    if (value["dns.magic_dns"])
      remarks.refuse("dns.base_domain", `must be a domain while dns.magic_dns is true, such as ${defaultBaseDomain}`);
    return;
  }
  if (serverHost === baseDomain || serverHost.endsWith(`.${baseDomain}`)) {
    remarks.refuse(
      "dns.base_domain",
      `holds ${serverHost}, the host of server_url, which nodes could then not reach: write another domain`,
    );
  }
}

function splitNameservers(reading: DnsReading): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(reading.value["dns.nameservers.split"]).map(([name, servers]) => [
      name.toLowerCase(),
      usable(servers, `dns.nameservers.split.${name}`, reading),
    ]),
  );
}

/** Drops what no client could use, as upstream does, so that one bad entry does not keep the server from starting. */
function usable(servers: readonly string[], key: string, { remarks }: DnsReading): readonly string[] {
  return servers.filter((server, index) => {
    const fits = isNameserver(server);
    if (!fits) remarks.warn(`${key}[${index}]`, "is neither an address nor an https:// URL, and is skipped");
    return fits;
  });
}
