import { type Prefix, parsePrefix, prefixCovers, prefixFamily } from "@headscale/netip";
import { type Key, key, optional, type Reading } from "../key.ts";
import { choice } from "../kind/kind.ts";
import { prefix } from "../kind/network.ts";

/** Ranges that clients have built in. Source: tailscale net/tsaddr/tsaddr.go@de9ec7ee. */
const standard = { 4: parsePrefix("100.64.0.0/10"), 6: parsePrefix("fd7a:115c:a1e0::/48") };

export const addressKeys = {
  "prefixes.v4": optional(
    prefix,
    { derived: "100.64.0.0/10" },
    "IPv4 addresses given to nodes: a part of 100.64.0.0/10. When only one of v4 and v6 is written, the other family is off.",
  ),
  "prefixes.v6": optional(
    prefix,
    { derived: "fd7a:115c:a1e0::/48" },
    "IPv6 addresses given to nodes: a part of fd7a:115c:a1e0::/48.",
  ),
  "prefixes.allocation": key(
    choice(["sequential", "random"]),
    "sequential",
    "Take the next free address, or a random one.",
  ),
} satisfies Record<string, Key<unknown>>;

/** At least one of `v4` and `v6` is there. */
export interface AddressConfig {
  readonly v4: Prefix | undefined;
  readonly v6: Prefix | undefined;
  readonly allocation: "sequential" | "random";
}

export function addressSection({ value, stated, remarks }: Reading<typeof addressKeys>): AddressConfig {
  const allocation = value["prefixes.allocation"];
  if (!stated.has("prefixes.v4") && !stated.has("prefixes.v6")) return { v4: standard[4], v6: standard[6], allocation };
  const v4 = value["prefixes.v4"];
  const v6 = value["prefixes.v6"];
  if (v4 === undefined && v6 === undefined) remarks.refuse("prefixes", "must have v4 or v6, such as v4: 100.64.0.0/10");
  for (const [family, range] of [
    [4, v4],
    [6, v6],
  ] as const) {
    if (range === undefined) continue;
    if (prefixFamily(range) !== family)
      remarks.refuse(`prefixes.v${family}`, `must be an IPv${family} range, such as ${standard[family]}`);
    else if (!prefixCovers(standard[family], range)) {
      remarks.warn(
        `prefixes.v${family}`,
        `${range} is not inside ${standard[family]}: clients have that range built in and break with others in ways that are hard to find`,
      );
    }
  }
  return { v4, v6, allocation };
}
