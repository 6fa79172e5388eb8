import { AddrSet, formatAddrRange, parseAddr, parseAddrRange } from "@headscale/netip";
import type { CapabilityValues, CapMap, FilterRule, SSHRule } from "@headscale/tailcfg";

/** JSON with the names of every object in order, so that equal data are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export const asSet = (items: readonly string[] | null | undefined): string[] => [...new Set(items ?? [])].sort();

const range = (text: string) => (text === "*" ? "*" : formatAddrRange(parseAddrRange(text)));

/** Addresses as one set, however they were split into texts. */
function sources(texts: readonly string[]): string {
  return texts.includes("*") ? "*" : AddrSet.ofRanges(texts.map(parseAddrRange)).toString();
}

const capabilities = (map: CapMap | undefined) =>
  Object.entries(map ?? {}).map(([name, values]) => [name, values ?? []]);

/** A rule with its inner lists as sets; rules themselves keep their order. */
export function filterRule({ SrcIPs, DstPorts, IPProto, CapGrant }: FilterRule): string {
  return canonicalJson({
    src: sources(SrcIPs),
    proto: [...(IPProto ?? [])].sort((a, b) => a - b),
    dst: asSet((DstPorts ?? []).map(({ IP, Ports }) => `${range(IP)}:${Ports.First}-${Ports.Last}`)),
    grants: (CapGrant ?? []).map(({ Dsts, CapMap }) => ({
      dst: asSet(Dsts),
      caps: Object.fromEntries(capabilities(CapMap)),
    })),
  });
}

/** An SSH rule with its principals as a set. */
export function sshRule({ principals, ...rest }: SSHRule): string {
  return canonicalJson({ ...rest, principals: asSet(principals.map(canonicalJson)) });
}

export function capMap(map: CapMap | undefined, without: (name: string) => boolean = () => false): string {
  return canonicalJson(Object.fromEntries(capabilities(map).filter(([name]) => !without(name as string))));
}

/** Capabilities of a source address towards a node, as its client works them out from its filter. */
export function whoIs(rules: readonly FilterRule[], source: string, own: readonly string[]): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  const sameFamily = own.find((addr) => addr.includes(":") === source.includes(":"));
  const matching = rules.filter(({ SrcIPs }) => SrcIPs.some((text) => covers(text, source)));
  for (const grant of matching.flatMap((rule) => rule.CapGrant ?? [])) {
    if (sameFamily === undefined || !grant.Dsts.some((text) => covers(text, sameFamily))) continue;
    for (const [name, values] of Object.entries(grant.CapMap))
      found[name] = [...(found[name] ?? []), ...(values ?? [])];
  }
  return found;
}

/** Value lists as multisets; sources without capabilities are as good as absent. */
export function whoIsView(view: Readonly<Record<string, Readonly<Record<string, CapabilityValues>>>>): string {
  const entries = Object.entries(view).filter(([, map]) => Object.keys(map).length > 0);
  const sorted = entries.map(([source, map]) => [
    source,
    Object.fromEntries(Object.entries(map).map(([name, values]) => [name, (values ?? []).map(canonicalJson).sort()])),
  ]);
  return canonicalJson(Object.fromEntries(sorted));
}

function covers(text: string, addr: string): boolean {
  return text === "*" || AddrSet.ofRanges([parseAddrRange(text)]).contains(parseAddr(addr));
}
