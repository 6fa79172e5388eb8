import {
  type Addr,
  addrFromValue,
  addrValue,
  type Prefix,
  parseAddr,
  parsePrefix,
  prefixContains,
  prefixRange,
} from "@headscale/netip";
import { TailnetError } from "#tailnet-error.ts";

/** Never given to a node. Source: headscale f20f1f12 hscontrol/db/ip.go; ChromeOS uses 100.115.92.0/23 itself. */
const reservedPrefixes: readonly Prefix[] = [parsePrefix("100.115.92.0/23")];
const reservedAddrs: ReadonlySet<Addr> = new Set([parseAddr("100.100.100.100"), parseAddr("fd7a:115c:a1e0::53")]);

export interface Allocation {
  readonly prefix: Prefix;
  /** Where to look first: behind this address. */
  readonly after?: Addr;
  /** Uniform in [0, 1): look there first instead. */
  readonly random?: number;
  taken(addr: Addr): boolean;
}

/**
 * The first free address from where to look, once round the prefix: an address comes back only after all others were
 * given out. The network's first and last address are not used. @throws {TailnetError} "addresses-exhausted"
 */
export function allocate({ prefix, after, random, taken }: Allocation): Addr {
  const { family, first, last } = prefixRange(prefix);
  const [low, high] = [first + 1n, last - 1n];
  const size = high - low + 1n;
  if (size > 0n) {
    const start = random === undefined ? startBehind(prefix, after, { low, high }) : low + randomOffset(random, size);
    for (let step = 0n; step < size; step++) {
      const addr = addrFromValue(family, low + ((start - low + step) % size));
      if (isReserved(addr)) continue;
      if (!taken(addr)) return addr;
    }
  }
  throw new TailnetError(
    "addresses-exhausted",
    `no free address left in ${prefix}: widen prefixes.v${family} or delete nodes`,
  );
}

function startBehind(
  prefix: Prefix,
  after: Addr | undefined,
  { low, high }: { readonly low: bigint; readonly high: bigint },
): bigint {
  if (after === undefined || !prefixContains(prefix, after)) return low;
  const next = addrValue(after) + 1n;
  return next > high ? low : next;
}

/** 53 random bits spread over a range that may be wider. */
function randomOffset(random: number, size: bigint): bigint {
  const scale = 1n << 53n;
  return (BigInt(Math.floor(random * Number(scale))) * size) / scale;
}

export function isReserved(addr: Addr): boolean {
  return reservedAddrs.has(addr) || reservedPrefixes.some((prefix) => prefixContains(prefix, addr));
}
