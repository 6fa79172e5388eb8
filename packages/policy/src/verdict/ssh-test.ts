import type { Compilation } from "#compile/compilation.ts";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { SshTest } from "#syntax/policy-document.ts";
import { lexSelector } from "#syntax/selector.ts";
import { type Subject, subjectsOf } from "./subject.ts";

type Verdict = "accept" | "check" | "none";

const wantedBy = { accept: "accept", check: "check", deny: "none" } as const satisfies Record<string, Verdict>;
const shownAs = { accept: "Accept", check: "Check", none: "Drop" } as const satisfies Record<Verdict, string>;

/** Everything that is wrong with an assertion of `sshTests`; none when it holds. */
export function sshTestErrors(compilation: Compilation, test: SshTest): string[] {
  if (test.accept.length + test.deny.length + test.check.length === 0) return ["no accept, deny or check assertions"];
  const sources = subjectsOf(compilation, lexSelector(test.src, 0), undefined);
  if ("error" in sources) return [`src: ${sources.error}`];
  const from = nodesOf(sources);
  if (from.length === 0) return [`src "${test.src}" is no node`];
  if (test.dst.length === 0) return ["dst is empty"];
  const owner = from[0]?.ownerId;
  const errors: string[] = [];
  for (const selector of test.dst) {
    const targets = subjectsOf(compilation, selector, owner);
    const to = "error" in targets ? [] : nodesOf(targets);
    if (to.length === 0) errors.push(`dst "${selector.text}": ${"error" in targets ? targets.error : "is no node"}`);
    else errors.push(...assertions(compilation, test, selector.text, from, to));
  }
  return errors;
}

function nodesOf(subjects: readonly Subject[]): NodeFacts[] {
  return subjects.map(({ node }) => node).filter((node) => node !== undefined);
}

function* assertions(
  compilation: Compilation,
  test: SshTest,
  dst: string,
  from: readonly NodeFacts[],
  to: readonly NodeFacts[],
) {
  for (const list of ["accept", "deny", "check"] as const) {
    for (const login of test[list]) {
      const wanted = wantedBy[list];
      const got = login === "" ? "an empty login" : differing(compilation, from, to, login, wanted);
      if (got !== undefined) yield `${login || '""'} at "${dst}": want: ${shownAs[wanted]}, got: ${got}`;
    }
  }
}

function differing(
  compilation: Compilation,
  from: readonly NodeFacts[],
  to: readonly NodeFacts[],
  login: string,
  wanted: Verdict,
): string | undefined {
  for (const target of to) {
    for (const source of from) {
      const rule = compilation.sshRuleFor(source.addrs, target.node.id, login);
      const verdict: Verdict = rule?.planned.rule.action ?? "none";
      if (verdict !== wanted) return shownAs[verdict];
    }
  }
  return undefined;
}
