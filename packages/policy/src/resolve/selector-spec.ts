import { type AddrRange, AddrSet, prefixRange } from "@headscale/netip";
import type { Policy } from "#syntax/policy-document.ts";
import type { Selector } from "#syntax/selector.ts";
import { internet } from "./well-known.ts";

/** What a selector denotes, with everything resolved that the policy alone decides. */
export type SelectorSpec =
  /** Nodes by owner or tag. */
  | { readonly kind: "people" }
  /** `*`: as a destination everything, as a source the tailnet and its routes. */
  | { readonly kind: "any" }
  /** `autogroup:danger-all`: any address at all, as a source. */
  | { readonly kind: "danger" }
  /** `isPublic`: wholly inside the internet, so that exit nodes lead there too. */
  | { readonly kind: "literal"; readonly set: AddrSet; readonly isPublic: boolean }
  /** Public addresses, reached through exit nodes only. */
  | { readonly kind: "internet"; readonly set: AddrSet }
  | { readonly kind: "service"; readonly name: string };

export function specOf(selector: Selector, policy: Policy | undefined): SelectorSpec {
  switch (selector.kind) {
    case "any":
      return { kind: "any" };
    case "prefix":
      return literal(AddrSet.ofPrefixes([selector.prefix]));
    case "host": {
      const prefix = policy?.hosts.get(selector.text);
      return literal(AddrSet.ofPrefixes(prefix === undefined ? [] : [prefix]));
    }
    case "ipset":
      return ipSetSpec(selector.text, policy);
    case "service":
      return { kind: "service", name: selector.text };
    case "autogroup":
      if (selector.name === "internet") return { kind: "internet", set: internet };
      return selector.name === "danger-all" ? { kind: "danger" } : { kind: "people" };
    default:
      return { kind: "people" };
  }
}

/** A set made from `autogroup:internet` is for exit nodes, as that is. */
function ipSetSpec(name: string, policy: Policy | undefined): SelectorSpec {
  const { set, fromInternet } = evaluateIpSet(name, policy);
  return fromInternet ? { kind: "internet", set } : literal(set);
}

function literal(set: AddrSet): SelectorSpec {
  return { kind: "literal", set, isPublic: !set.isEmpty && internet.covers(set) };
}

/** Cycles were refused when the policy was read. */
function evaluateIpSet(name: string, policy: Policy | undefined): { set: AddrSet; fromInternet: boolean } {
  let set = AddrSet.empty;
  let fromInternet = false;
  for (const { remove, part } of policy?.ipSets.get(name) ?? []) {
    const nested = part.kind === "ipset" ? evaluateIpSet(part.name, policy) : undefined;
    const operand = nested?.set ?? (part.kind === "internet" ? internet : AddrSet.ofRanges(rangesOf(part, policy)));
    set = remove ? set.subtract(operand) : set.union(operand);
    if (!remove && (part.kind === "internet" || nested?.fromInternet === true)) fromInternet = true;
  }
  return { set, fromInternet };
}

function rangesOf(part: { kind: string; name?: string; range?: AddrRange }, policy: Policy | undefined): AddrRange[] {
  if (part.range !== undefined) return [part.range];
  const prefix = policy?.hosts.get(part.name ?? "");
  return prefix === undefined ? [] : [prefixRange(prefix)];
}
