import type { Compilation } from "#compile/compilation.ts";
import type { Unit } from "#compile/units.ts";
import { positionAt } from "#hujson/position.ts";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Policy, Span } from "#syntax/policy-document.ts";
import { findAllowing, type Miss, missOf, type NearMiss, type Question } from "./reach.ts";
import type { Subject } from "./subject.ts";

/** A rule of the policy by its place. Without `index` and `line` it is the one that stands for "no rules at all". */
export interface RulePlace {
  readonly section: "acls" | "grants" | "ssh";
  /** From 0. */
  readonly index: number | undefined;
  /** From 1. */
  readonly line: number | undefined;
}

/** What becomes of one source at one destination. */
export interface AccessVerdict {
  readonly src: string;
  readonly dst: string;
  /** The rule that allows it; undefined: nothing does. */
  readonly allowedBy: RulePlace | undefined;
  /** Where nothing does: the rule that comes nearest, and the first of its conditions that does not hold. */
  readonly nearest: (RulePlace & { readonly missing: Miss | "login" }) | undefined;
}

export function pairVerdict(compilation: Compilation, from: Subject, to: Subject, question: Question): AccessVerdict {
  const pair = { src: from.label, dst: to.label };
  const allowing = findAllowing(compilation, from, to, question);
  if (allowing !== undefined) return { ...pair, allowedBy: placeOf(compilation, allowing), nearest: undefined };
  return { ...pair, allowedBy: undefined, nearest: nearestRule(compilation, from, to, question) };
}

/** What becomes of an SSH login: the rule at which the destination's client stops, or one for the pair but other logins. */
export function sshPairVerdict(
  compilation: Compilation,
  from: NodeFacts,
  to: NodeFacts,
  login: string,
): AccessVerdict & { readonly action: "accept" | "check" | undefined } {
  const pair = { src: from.addrs.join(", "), dst: to.addrs.join(", ") };
  const { policy } = compilation.plan;
  const rule = compilation.sshRuleFor(from.addrs, to.node.id, login)?.planned.rule;
  if (rule !== undefined)
    return { ...pair, action: rule.action, allowedBy: placeIn(policy, "ssh", rule.span), nearest: undefined };
  const near = compilation
    .sshRules(to.node.id)
    ?.find(({ wire }) => wire.principals.some(({ nodeIP }) => from.addrs.some((addr) => addr === nodeIP)));
  const nearest = near && { ...placeIn(policy, "ssh", near.planned.rule.span), missing: "login" as const };
  return { ...pair, action: undefined, allowedBy: undefined, nearest };
}

function nearestRule(
  compilation: Compilation,
  from: Subject,
  to: Subject,
  question: Question,
): AccessVerdict["nearest"] {
  let best: { unit: Unit; miss: NearMiss } | undefined;
  for (const unit of compilation.plan.units) {
    const miss = missOf(compilation, unit, from, to, question);
    if (miss !== undefined && miss.nearness > (best?.miss.nearness ?? 0)) best = { unit, miss };
  }
  return best === undefined ? undefined : { ...placeOf(compilation, best.unit), missing: best.miss.missing };
}

function placeOf({ plan }: Compilation, { span, section }: Unit): RulePlace {
  return placeIn(plan.policy, section, span);
}

function placeIn(policy: Policy | undefined, section: RulePlace["section"], span: Span | undefined): RulePlace {
  if (policy === undefined || span === undefined) return { section, index: undefined, line: undefined };
  const entries: readonly { readonly span: Span }[] = policy[section] ?? [];
  return {
    section,
    index: entries.findIndex((entry) => entry.span === span),
    line: positionAt(policy.text, span.start).line,
  };
}

/** `acls[3] (line 12)`. */
export function placeText({ section, index, line }: RulePlace): string {
  return index === undefined ? "the absence of any rule" : `${section}[${index}] (line ${line})`;
}

/** A condition that does not hold, in words. */
export const whyNot = {
  source: "the source is not among the rule's sources",
  destination: "the destination is not among the rule's destinations",
  protocol: "the rule is for another protocol",
  port: "the rule is for other ports",
  login: "the rule is for other login names",
} as const satisfies Record<Miss | "login", string>;
