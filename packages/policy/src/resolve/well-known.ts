import { AddrSet, type Prefix } from "@headscale/netip";

const prefixes = (...texts: string[]) => AddrSet.ofPrefixes(texts as Prefix[]);

/**
 * What `*` means as a source: the tailnet's IPv4 range without the ChromeOS hole, and its IPv6 range.
 * The client keeps the same hole: tailscale net/tsaddr/tsaddr.go@de9ec7ee.
 */
export const tailnetRanges = prefixes("100.64.0.0/10", "fd7a:115c:a1e0::/48").subtract(prefixes("100.115.92.0/23"));

/** What `autogroup:internet` means: everything public. */
export const internet = prefixes("0.0.0.0/0", "2000::/3").subtract(
  prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
);

export const internetV4 = internet.intersect(prefixes("0.0.0.0/0"));
export const internetV6 = internet.intersect(prefixes("::/0"));
