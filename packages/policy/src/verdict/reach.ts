import { AddrSet } from "@headscale/netip";
import type { Compilation } from "#compile/compilation.ts";
import type { Unit, UnitTarget } from "#compile/units.ts";
import { satisfies } from "#resolve/posture-verdict.ts";
import { SourceState } from "#resolve/source-state.ts";
import type { AttributeValue } from "../engine.ts";
import { ofFamily, type Subject } from "./subject.ts";

/** What is asked about a pair of subjects. `port` 0 asks for a protocol without ports. */
export interface Question {
  readonly port: number;
  /** Any of them suffices. */
  readonly protocols: readonly number[];
  /** Posture attributes to assume for the source instead of the node's own. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Which condition of a rule does not hold, in the order in which they are looked at. */
export type Miss = "source" | "destination" | "protocol" | "port";

/** What clients take for "no protocol given": TCP, UDP, ICMP, ICMPv6. */
const defaultProtocols: ReadonlySet<number> = new Set([6, 17, 1, 58]);

/** The first network rule that lets `from` reach `to`. */
export function findAllowing(
  compilation: Compilation,
  from: Subject,
  to: Subject,
  question: Question,
): Unit | undefined {
  return compilation.plan.units.find((unit) => missOf(compilation, unit, from, to, question) === undefined);
}

/** A rule that does not let one through: the first condition that does not hold, and how near the rule comes. */
export interface NearMiss {
  readonly missing: Miss;
  /** 0: it has nothing to do with either end. */
  readonly nearness: number;
}

/**
 * Why a rule does not let `from` reach `to`; `undefined` when it does. Nearest are rules between the two for another
 * port, then rules for others to the same place, then rules for the same source to other places.
 */
export function missOf(
  compilation: Compilation,
  unit: Unit,
  from: Subject,
  to: Subject,
  question: Question,
): NearMiss | undefined {
  if (unit.kind !== "network") return notAtAll;
  let nearest: NearMiss = notAtAll;
  for (const family of [4, 6] as const) {
    const source = { ...from, addresses: ofFamily(from.addresses, family) };
    const target = { ...to, addresses: ofFamily(to.addresses, family) };
    if (source.addresses.isEmpty || target.addresses.isEmpty) continue;
    const miss = familyMiss(compilation, unit, source, target, question);
    if (miss === undefined) return undefined;
    if (miss.nearness > nearest.nearness) nearest = miss;
  }
  return nearest;
}

const notAtAll: NearMiss = { missing: "source", nearness: 0 };
const betweenThem = { port: 5, protocol: 4, destination: 1 } as const;
const forOthers = { none: 3, port: 2, protocol: 2, destination: 0 } as const;

function familyMiss(
  compilation: Compilation,
  unit: Unit,
  from: Subject,
  to: Subject,
  question: Question,
): NearMiss | undefined {
  const missing = targetMiss(compilation, unit, from, to, question);
  if (!admits(compilation, unit, from, question)) return { missing: "source", nearness: forOthers[missing ?? "none"] };
  return missing && { missing, nearness: betweenThem[missing] };
}

function targetMiss(
  compilation: Compilation,
  unit: Unit,
  from: Subject,
  to: Subject,
  { port, protocols }: Question,
): Exclude<Miss, "source"> | undefined {
  const targets = unit.targets.filter((target) => leadsTo(compilation, unit, target, from, to));
  if (targets.length === 0) return "destination";
  if (!speaks(unit.protocol, protocols)) return "protocol";
  const open = targets.some(({ ports }) =>
    ports.some(({ First, Last }) => (port === 0 ? Last === 65535 : First <= port && port <= Last)),
  );
  return open ? undefined : "port";
}

function admits({ resolution, plan }: Compilation, unit: Unit, from: Subject, { attributes }: Question): boolean {
  const state = resolution.source(unit.source);
  const { postures } = state.spec;
  if (attributes === undefined || postures.length === 0) return state.addresses.covers(from.addresses);
  const compliant = postures.some((name) => satisfies(attributes, plan.policy?.postures.get(name) ?? []));
  return compliant && new SourceState(resolution, { ...state.spec, postures: [] }).addresses.covers(from.addresses);
}

function leadsTo(
  { resolution }: Compilation,
  unit: Unit,
  { selector }: UnitTarget,
  from: Subject,
  to: Subject,
): boolean {
  if (unit.dest === undefined) {
    const owner = from.node?.ownerId;
    return owner !== undefined && to.node?.ownerId === owner;
  }
  const spec = resolution.index.selectors[selector];
  switch (spec?.kind) {
    case "any":
      return true;
    case "literal":
    case "internet":
      return spec.set.covers(to.addresses);
    case "service":
      return AddrSet.ofAddrs(resolution.roster.services.get(spec.name) ?? []).covers(to.addresses);
    default:
      return to.node !== undefined && resolution.holders(selector).has(to.node.slot);
  }
}

function speaks(protocol: number | undefined, wanted: readonly number[]): boolean {
  return wanted.some((number) => (protocol === undefined ? defaultProtocols.has(number) : protocol === number));
}
