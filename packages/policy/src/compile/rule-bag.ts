import type { FilterRule, NetPortRange } from "@headscale/tailcfg";

/** Whether two lists hold the same rules, in any order: to clients neither the order of rules nor that of destinations means anything. */
export function sameBag(a: readonly FilterRule[], b: readonly FilterRule[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  if (bagHash(a) !== bagHash(b)) return false;
  if (a.every((rule, index) => sameRule(rule, b[index] as FilterRule))) return true;
  const [left, right] = [a, b].map((rules) => rules.map(canonical).sort());
  return sameTexts(left ?? [], right ?? []);
}

export function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]));
}

/** Equal also in the order of its destinations: quickly told, and nearly always the case. */
function sameRule(a: FilterRule, b: FilterRule): boolean {
  if (a === b) return true;
  if (a.CapGrant !== undefined || b.CapGrant !== undefined) return canonical(a) === canonical(b);
  return (
    sameTexts(a.SrcIPs, b.SrcIPs) &&
    a.IPProto?.[0] === b.IPProto?.[0] &&
    sameDestinations(a.DstPorts ?? [], b.DstPorts ?? [])
  );
}

function sameDestinations(a: readonly NetPortRange[], b: readonly NetPortRange[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ IP, Ports }, index) => {
      const twin = b[index];
      return twin?.IP === IP && twin.Ports.First === Ports.First && twin.Ports.Last === Ports.Last;
    })
  );
}

function canonical(rule: FilterRule): string {
  const destinations = rule.DstPorts?.map(({ IP, Ports }) => `${IP}:${Ports.First}-${Ports.Last}`).sort();
  return JSON.stringify([rule.SrcIPs, rule.IPProto, destinations, rule.CapGrant]);
}

/** Equal for equal bags; cheap enough to tell most different ones apart. */
function bagHash(rules: readonly FilterRule[]): number {
  return rules.reduce((sum, rule) => (sum + ruleHash(rule)) | 0, 0);
}

const knownRules = new WeakMap<FilterRule, number>();

function ruleHash(rule: FilterRule): number {
  const known = knownRules.get(rule) ?? hashRule(rule);
  knownRules.set(rule, known);
  return known;
}

function hashRule({ SrcIPs, DstPorts = [], IPProto = [], CapGrant = [] }: FilterRule): number {
  const destinations = DstPorts.reduce((sum, entry) => (sum + destinationHash(entry)) | 0, CapGrant.length);
  return Math.imul(sourceHash(SrcIPs) ^ destinations, (IPProto[0] ?? 0) * 2 + 3);
}

function destinationHash({ IP, Ports }: NetPortRange): number {
  return Math.imul(textHash(IP) ^ (Ports.First * 65_537 + Ports.Last), 0x01000193);
}

const knownSources = new WeakMap<readonly string[], number>();

/** Lists of sources are shared by many rules and can be long. */
function sourceHash(texts: readonly string[]): number {
  const known =
    knownSources.get(texts) ?? texts.reduce((hash, text) => Math.imul(hash ^ textHash(text), 0x01000193), 0x811c9dc5);
  knownSources.set(texts, known);
  return known;
}

export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
