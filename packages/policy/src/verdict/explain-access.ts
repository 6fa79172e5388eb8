import { Compilation } from "#compile/compilation.ts";
import type { Unit } from "#compile/units.ts";
import { positionAt } from "#hujson/position.ts";
import { splitHostPort } from "#syntax/destination.ts";
import { parseProtocol } from "#syntax/ports.ts";
import { lexSelector } from "#syntax/selector.ts";
import type { CompiledPolicy } from "../engine.ts";
import { findAllowing, type Miss, missOf, type Question } from "./reach.ts";
import { type Subject, subjectsOf } from "./subject.ts";

/** A rule of the policy by its place. `line` is undefined where no policy, or one without rules, allows everything. */
export interface RulePlace {
  readonly section: "acls" | "grants";
  readonly line: number | undefined;
}

/** What becomes of one source at one destination. */
export interface AccessVerdict {
  readonly src: string;
  readonly dst: string;
  /** The rule that allows it; undefined: nothing does. */
  readonly allowedBy: RulePlace | undefined;
  /** Where nothing does: the rule that comes nearest, and the first of its conditions that does not hold. */
  readonly nearest: (RulePlace & { readonly missing: Miss }) | undefined;
}

export type Explanation = { readonly verdicts: readonly AccessVerdict[] } | { readonly error: string };

/** How far a rule got before it failed. */
const depthOf = { source: 0, destination: 1, protocol: 2, port: 3 } as const satisfies Record<Miss, number>;

/**
 * Why `src` may reach `HOST:PORT` or may not, for every device behind the two. `proto`: name or number; absent: TCP or UDP.
 * A text that denotes nothing is an `error`, not an exception: people type them.
 */
export function explainAccess(compiled: CompiledPolicy, src: string, hostPort: string, proto = ""): Explanation {
  if (!(compiled instanceof Compilation)) throw new TypeError("not a policy that compilePolicy made");
  const question = readQuestion(hostPort, proto);
  if ("error" in question) return question;
  const from = subjectsOf(compiled, lexSelector(src.trim(), 0), undefined);
  if ("error" in from) return from;
  const to = subjectsOf(compiled, lexSelector(question.host, 0), from[0]?.node?.ownerId);
  if ("error" in to) return to;
  if (from.length === 0 || to.length === 0)
    return { error: `${from.length === 0 ? src : question.host} has no addresses` };
  return { verdicts: from.flatMap((source) => to.map((target) => verdictOf(compiled, source, target, question))) };
}

function readQuestion(
  hostPort: string,
  proto: string,
): (Question & { readonly host: string }) | { readonly error: string } {
  const split = splitHostPort(hostPort.trim());
  if ("error" in split) return split;
  const protocol = parseProtocol(proto.trim());
  if (typeof protocol === "object") return protocol;
  const port = split.ports === "*" ? 0 : Number(split.ports);
  if (!/^(\d{1,5}|\*)$/.test(split.ports) || port > 65535)
    return { error: "the port must be a single number, or * for a protocol without ports" };
  return { host: split.host, port, protocols: protocol === undefined ? [6, 17] : [protocol] };
}

function verdictOf(compilation: Compilation, from: Subject, to: Subject, question: Question): AccessVerdict {
  const pair = { src: from.label, dst: to.label };
  const allowing = findAllowing(compilation, from, to, question);
  if (allowing !== undefined) return { ...pair, allowedBy: placeOf(compilation, allowing), nearest: undefined };
  return { ...pair, allowedBy: undefined, nearest: nearestRule(compilation, from, to, question) };
}

function nearestRule(
  compilation: Compilation,
  from: Subject,
  to: Subject,
  question: Question,
): AccessVerdict["nearest"] {
  let best: { unit: Unit; missing: Miss } | undefined;
  for (const unit of compilation.plan.units) {
    const missing = unit.kind === "network" ? missOf(compilation, unit, from, to, question) : undefined;
    if (missing === undefined) continue;
    if (best === undefined || depthOf[missing] > depthOf[best.missing]) best = { unit, missing };
  }
  return best === undefined ? undefined : { ...placeOf(compilation, best.unit), missing: best.missing };
}

function placeOf({ plan }: Compilation, { span, section }: Unit): RulePlace {
  return {
    section,
    line: span === undefined || plan.policy === undefined ? undefined : positionAt(plan.policy.text, span.start).line,
  };
}
