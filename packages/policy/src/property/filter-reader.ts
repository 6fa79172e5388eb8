import { AddrSet, type Prefix, parseAddrRange } from "@headscale/netip";
import type { FilterRule } from "@headscale/tailcfg";
import type { Packet } from "./reach-oracle.ts";

const setOf = (texts: readonly string[]) =>
  texts.includes("*") ? AddrSet.all : AddrSet.ofRanges(texts.map(parseAddrRange));

/** Whether a filter lets a packet in, as the client reads it. */
export function letsIn(rules: readonly FilterRule[], { from, to, port, protocol }: Packet): boolean {
  return rules.some(({ SrcIPs, DstPorts = [], IPProto = [6, 17, 1, 58] }) => {
    if (!IPProto.includes(protocol) || !setOf(SrcIPs).contains(from)) return false;
    return DstPorts.some(({ IP, Ports }) => Ports.First <= port && port <= Ports.Last && setOf([IP]).contains(to));
  });
}

/** Whether a rule's sources hold an address or touch a route of the identity. */
export function meets(rule: FilterRule, identity: readonly Prefix[]): boolean {
  const sources = setOf(rule.SrcIPs);
  return identity.some((prefix) => sources.overlapsPrefix(prefix));
}

/** Destinations of a rule as one set, capabilities included. */
export function destinations(rule: FilterRule): AddrSet {
  const texts = (rule.DstPorts ?? []).map(({ IP }) => IP);
  return setOf([...texts, ...(rule.CapGrant ?? []).flatMap(({ Dsts }) => Dsts)]);
}

export function sourcesTouch(rule: FilterRule, prefix: Prefix): boolean {
  return setOf(rule.SrcIPs).overlapsPrefix(prefix);
}
