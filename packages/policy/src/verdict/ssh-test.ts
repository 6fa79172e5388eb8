import type { Compilation } from "#compile/compilation.ts";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Located, SshTest } from "#syntax/policy-document.ts";
import { lexSelector } from "#syntax/selector.ts";
import { sshPairVerdict } from "./pair-verdict.ts";
import { type Subject, subjectsOf } from "./subject.ts";
import { fault, type Outcome, shownAs, type TestAssertion } from "./test-assertion.ts";

/** Every assertion of an entry of `sshTests`; a single one about the entry where that is at fault as a whole. */
export function sshAssertions(compilation: Compilation, test: SshTest): TestAssertion[] {
  const at = test.span.start;
  if (test.accept.length + test.deny.length + test.check.length === 0)
    return [fault(at, "no accept, deny or check assertions")];
  const sources = subjectsOf(compilation, lexSelector(test.src, 0), undefined);
  if ("error" in sources) return [fault(at, `src: ${sources.error}`)];
  const from = nodesOf(sources);
  if (from.length === 0) return [fault(at, `src "${test.src}" is no node`)];
  if (test.dst.length === 0) return [fault(at, "dst is empty")];
  const owner = from[0]?.ownerId;
  return test.dst.flatMap((selector) => {
    const dst = selector.text;
    const targets = subjectsOf(compilation, selector, owner);
    const to = "error" in targets ? [] : nodesOf(targets);
    if (to.length === 0)
      return [fault(selector.at, `dst "${dst}": ${"error" in targets ? targets.error : "is no node"}`, { dst })];
    return (["accept", "deny", "check"] as const).flatMap((expected) =>
      test[expected].map((login) => checkLogin(compilation, dst, [from, to], login, expected)),
    );
  });
}

function nodesOf(subjects: readonly Subject[]): NodeFacts[] {
  return subjects.map(({ node }) => node).filter((node) => node !== undefined);
}

/** All sources must fare alike at all destinations. */
function checkLogin(
  compilation: Compilation,
  dst: string,
  [from, to]: readonly [readonly NodeFacts[], readonly NodeFacts[]],
  { text: login, at }: Located,
  expected: Outcome,
): TestAssertion {
  const wrong = (got: string) => `${login || '""'} at "${dst}": want: ${shownAs[expected]}, got: ${got}`;
  if (login === "") return fault(at, wrong("an empty login"), { dst, expected });
  let decided: TestAssertion["decided"];
  for (const target of to) {
    for (const source of from) {
      const { action: got = "deny", ...verdict } = sshPairVerdict(compilation, source, target, login);
      if (got !== expected)
        return { at, dst, proto: "", login, expected, got, error: wrong(shownAs[got]), decided: verdict };
      decided ??= verdict;
    }
  }
  return { at, dst, proto: "", login, expected, got: expected, error: undefined, decided };
}
