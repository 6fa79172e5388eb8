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

/** Why a rule does not let `from` reach `to`; `undefined` when it does. Anything but a network rule misses as a whole. */
export function missOf(
  compilation: Compilation,
  unit: Unit,
  from: Subject,
  to: Subject,
  question: Question,
): Miss | undefined {
  if (unit.kind !== "network") return "protocol";
  const misses = ([4, 6] as const).map((family) => {
    const source = ofFamily(from.addresses, family);
    const target = ofFamily(to.addresses, family);
    if (source.isEmpty || target.isEmpty) return "source";
    return familyMiss(compilation, unit, { ...from, addresses: source }, { ...to, addresses: target }, question);
  });
  return misses.includes(undefined) ? undefined : (misses.find((miss) => miss !== "source") ?? "source");
}

function familyMiss(
  compilation: Compilation,
  unit: Unit,
  from: Subject,
  to: Subject,
  question: Question,
): Miss | undefined {
  if (!admits(compilation, unit, from, question)) return "source";
  const targets = unit.targets.filter((target) => leadsTo(compilation, unit, target, from, to));
  if (targets.length === 0) return "destination";
  if (!speaks(unit.protocol, question.protocols)) return "protocol";
  const { port } = question;
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
