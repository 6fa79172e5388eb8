import { AddrSet, parseAddrRange, singlePrefix } from "@headscale/netip";
import type { FilterRule, PortRange } from "@headscale/tailcfg";
import { Compilation } from "#compile/compilation.ts";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Policy } from "#syntax/policy-document.ts";
import type { Affected, CompiledPolicy } from "../engine.ts";
import { updatePolicy } from "../update-policy.ts";
import { diffLogins, type LoginDifference } from "./diff-logins.ts";

/** Access of some addresses to one destination at one node. */
export interface Access {
  readonly nodeId: number;
  /** As in `SrcIPs`: addresses, prefixes, ranges `a-b`. */
  readonly src: readonly string[];
  readonly dst: string;
  /** `undefined`: TCP, UDP and ICMP alike. */
  readonly protocol: number | undefined;
  readonly ports: PortRange;
}

export interface PolicyDifference {
  readonly gained: readonly Access[];
  readonly lost: readonly Access[];
  readonly logins: LoginDifference;
  /** Everything else the new policy would change. */
  readonly affected: Affected;
}

const defaultProtocols = [6, 17, 1, 58] as const;

/** What a policy would change if it replaced the present one: by what may reach what, not by its text. */
export function diffPolicies(before: CompiledPolicy, to: Policy | undefined): PolicyDifference {
  if (!(before instanceof Compilation)) throw new TypeError("not a policy that compilePolicy made");
  const { next, affected } = updatePolicy(before, { policy: { to } });
  const gained: Access[] = [];
  const lost: Access[] = [];
  for (const id of affected.filters) {
    const facts = before.resolution.roster.facts(id);
    if (facts === undefined) continue;
    const [old, now] = [before.filterRules(id), next.filterRules(id)];
    gained.push(...exceeding(facts, now, old));
    lost.push(...exceeding(facts, old, now));
  }
  return { gained, lost, logins: diffLogins(before, next as Compilation, affected.ssh), affected };
}

/** Access that the first rules give and the second do not. */
function exceeding(facts: NodeFacts, rules: readonly FilterRule[], others: readonly FilterRule[]): Access[] {
  const [mine, theirs] = [openings(facts, rules), openings(facts, others)];
  const found = new Map<string, { access: Access; protocols: Set<number> }>();
  for (const dst of new Set(mine.map((opening) => opening.dst))) {
    for (const protocol of new Set(mine.map((opening) => opening.protocol))) {
      for (const { ports, src } of surplus(dst, protocol, mine, theirs)) {
        const key = `${dst} ${ports.First}-${ports.Last} ${src.toString()}`;
        const known = found.get(key) ?? {
          access: { nodeId: facts.node.id, src: src.texts(), dst, protocol, ports },
          protocols: new Set<number>(),
        };
        known.protocols.add(protocol);
        found.set(key, known);
      }
    }
  }
  return [...found.values()].flatMap(({ access, protocols }) => byProtocol(access, protocols));
}

function byProtocol(access: Access, protocols: ReadonlySet<number>): Access[] {
  const whole = defaultProtocols.every((protocol) => protocols.has(protocol));
  const single = [...protocols].filter((protocol) => !whole || !defaultProtocols.some((known) => known === protocol));
  const split = single.map((protocol) => ({ ...access, protocol }));
  return whole ? [{ ...access, protocol: undefined }, ...split] : split;
}

/** One source set at one destination, protocol and port range. */
interface Opening {
  readonly dst: string;
  readonly reach: AddrSet;
  readonly protocol: number;
  readonly ports: PortRange;
  readonly src: AddrSet;
}

/** A filter taken apart; `*` becomes what the node answers for, so that it compares with what names that. */
function openings(facts: NodeFacts, rules: readonly FilterRule[]): Opening[] {
  const own = [...facts.addrs.map(singlePrefix), ...facts.subnetRoutes, ...facts.exitRoutes];
  return rules.flatMap(({ SrcIPs, DstPorts = [], IPProto = defaultProtocols }) => {
    const src = SrcIPs.includes("*") ? AddrSet.all : AddrSet.ofRanges(SrcIPs.map(parseAddrRange));
    return DstPorts.flatMap(({ IP, Ports }) =>
      (IP === "*" ? own : [IP]).flatMap((text) => {
        const reach = AddrSet.ofRanges([parseAddrRange(text)]);
        return IPProto.map((protocol) => ({ dst: reach.toString(), reach, protocol, ports: Ports, src }));
      }),
    );
  });
}

/** Ports at which more sources reach `dst` by `mine` than by `theirs`; neighbouring ports with the same answer together. */
function surplus(
  dst: string,
  protocol: number,
  mine: readonly Opening[],
  theirs: readonly Opening[],
): { ports: PortRange; src: AddrSet }[] {
  const reach = AddrSet.ofRanges([parseAddrRange(dst)]);
  const relevant = (side: readonly Opening[]) =>
    side.filter((opening) => opening.protocol === protocol && opening.reach.covers(reach));
  const [left, right] = [relevant(mine), relevant(theirs)];
  const cuts = [...new Set([...left, ...right].flatMap(({ ports }) => [ports.First, ports.Last + 1]))].sort(
    (a, b) => a - b,
  );
  const found: { ports: PortRange; src: AddrSet }[] = [];
  for (const [index, First] of cuts.slice(0, -1).entries()) {
    const Last = (cuts[index + 1] ?? 0) - 1;
    const src = sourcesAt(left, First).subtract(sourcesAt(right, First));
    if (src.isEmpty) continue;
    const open = found.at(-1);
    if (open !== undefined && open.ports.Last + 1 === First && open.src.equals(src))
      found[found.length - 1] = { ports: { First: open.ports.First, Last }, src };
    else found.push({ ports: { First, Last }, src });
  }
  return found;
}

function sourcesAt(openings: readonly Opening[], port: number): AddrSet {
  return AddrSet.unionOf(
    openings.filter(({ ports }) => ports.First <= port && port <= ports.Last).map(({ src }) => src),
  );
}
