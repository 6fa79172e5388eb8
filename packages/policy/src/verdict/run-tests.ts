import { Compilation } from "#compile/compilation.ts";
import { compile } from "../compile-policy.ts";
import type { CompiledPolicy, CompileInput } from "../engine.ts";
import { PolicyError, type PolicyProblem, problemAt } from "../policy-error.ts";
import { accessAssertions } from "./access-test.ts";
import { type AccessVerdict, placeText, whyNot } from "./pair-verdict.ts";
import { sshAssertions } from "./ssh-test.ts";
import type { TestAssertion } from "./test-assertion.ts";

/** Outcome of one entry of `tests` or `sshTests`. */
export interface TestVerdict {
  readonly section: "tests" | "sshTests";
  /** From 0. */
  readonly index: number;
  readonly line: number;
  /** The entry's `src`. */
  readonly user: string;
  /** Never empty: an entry that cannot be asked anything has one that says so. */
  readonly assertions: readonly TestAssertion[];
  /** Those of the assertions; empty when the entry holds. */
  readonly errors: readonly string[];
}

/** Runs the policy's own tests against what it means for the present nodes; all rules count, whichever node receives them. */
export function runPolicyTests(compiled: CompiledPolicy): readonly TestVerdict[] {
  const compilation = asCompilation(compiled);
  const { policy } = compilation;
  if (policy === undefined) return [];
  const verdict = (
    section: TestVerdict["section"],
    index: number,
    { span, src }: (typeof policy.tests | typeof policy.sshTests)[number],
    assertions: readonly TestAssertion[],
  ): TestVerdict => {
    const errors = assertions.map(({ error }) => error).filter((error) => error !== undefined);
    return { section, index, line: problemAt(policy.text, span.start, "").line, user: src, assertions, errors };
  };
  return [
    ...policy.tests.map((test, index) => verdict("tests", index, test, accessAssertions(compilation, test))),
    ...policy.sshTests.map((test, index) => verdict("sshTests", index, test, sshAssertions(compilation, test))),
  ];
}

/**
 * Compiles a policy that is about to be written and runs its tests.
 * @throws {PolicyError} `tests-failed` with one problem for each assertion that does not hold, at its place.
 */
export function compileTested(input: CompileInput): { compiled: CompiledPolicy; verdicts: readonly TestVerdict[] } {
  const compiled = compile(input);
  const verdicts = runPolicyTests(compiled);
  const { policy } = input;
  const problems = policy === undefined ? [] : verdicts.flatMap((verdict) => problemsOf(policy.text, verdict));
  const [first] = problems;
  if (first === undefined) return { compiled, verdicts };
  throw new PolicyError("tests-failed", [{ ...first, message: "test(s) failed" }, ...problems]);
}

function problemsOf(text: string, { user, assertions }: TestVerdict): PolicyProblem[] {
  return assertions.flatMap(({ at, error, got, decided }) => {
    if (error === undefined) return [];
    const why = got === undefined || decided === undefined ? "" : ` (${reasonOf(decided)})`;
    return [problemAt(text, at, `${user}: ${error}${why}`)];
  });
}

function reasonOf({ src, dst, allowedBy, nearest }: AccessVerdict): string {
  const pair = `${src} → ${dst}`;
  if (allowedBy !== undefined) return `${pair}: ${placeText(allowedBy)} allows it`;
  return nearest === undefined
    ? `${pair}: no rule is about these two`
    : `${pair}: no rule allows it; nearest is ${placeText(nearest)}: ${whyNot[nearest.missing]}`;
}

function asCompilation(compiled: CompiledPolicy): Compilation {
  if (compiled instanceof Compilation) return compiled;
  throw new TypeError("not a policy that compilePolicy made");
}
