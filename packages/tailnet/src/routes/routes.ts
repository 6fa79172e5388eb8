import { comparePrefixes, isExitRoute, type Prefix, parsePrefix } from "@headscale/netip";

export const exitRoutes: readonly Prefix[] = [parsePrefix("0.0.0.0/0"), parsePrefix("::/0")];

/** Sorted and unique. */
export function sortedRoutes(routes: readonly Prefix[]): readonly Prefix[] {
  return [...new Set(routes)].sort(comparePrefixes);
}

/** The approved set as asked for: one exit prefix implies both families. */
export function approvedSet(routes: readonly Prefix[]): readonly Prefix[] {
  return sortedRoutes(routes.some(isExitRoute) ? [...routes, ...exitRoutes] : routes);
}

/** What a node may carry: announced and approved. */
export function effectiveRoutes(announced: readonly Prefix[], approved: readonly Prefix[]): readonly Prefix[] {
  const allowed = new Set(approved);
  return sortedRoutes(announced.filter((prefix) => allowed.has(prefix)));
}
