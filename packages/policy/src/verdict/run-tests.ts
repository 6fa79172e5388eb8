import { Compilation } from "#compile/compilation.ts";
import { compile } from "../compile-policy.ts";
import type { CompiledPolicy, CompileInput } from "../engine.ts";
import { PolicyError, problemAt } from "../policy-error.ts";
import { accessTestErrors } from "./access-test.ts";
import { sshTestErrors } from "./ssh-test.ts";

/** Outcome of one entry of `tests` or `sshTests`. */
export interface TestVerdict {
  readonly section: "tests" | "sshTests";
  readonly line: number;
  /** The entry's `src`. */
  readonly user: string;
  /** Empty when the entry holds. */
  readonly errors: readonly string[];
}

/** Runs the policy's own tests against what it means for the present nodes; all rules count, whichever node receives them. */
export function runPolicyTests(compiled: CompiledPolicy): readonly TestVerdict[] {
  const compilation = asCompilation(compiled);
  const { policy } = compilation;
  if (policy === undefined) return [];
  const lineOf = (start: number) => problemAt(policy.text, start, "").line;
  return [
    ...policy.tests.map((test) => ({
      section: "tests" as const,
      line: lineOf(test.span.start),
      user: test.src,
      errors: accessTestErrors(compilation, test),
    })),
    ...policy.sshTests.map((test) => ({
      section: "sshTests" as const,
      line: lineOf(test.span.start),
      user: test.src,
      errors: sshTestErrors(compilation, test),
    })),
  ];
}

/**
 * Compiles a policy that is about to be written and runs its tests.
 * @throws {PolicyError} `tests-failed` with one problem for each assertion that does not hold.
 */
export function compileTested(input: CompileInput): { compiled: CompiledPolicy; verdicts: readonly TestVerdict[] } {
  const compiled = compile(input);
  const verdicts = runPolicyTests(compiled);
  const failed = verdicts.filter(({ errors }) => errors.length > 0);
  const [first] = failed;
  if (first === undefined || input.policy === undefined) return { compiled, verdicts };
  const problems = failed.flatMap(({ line, user, errors }) =>
    errors.map((error) => ({ message: `${user}: ${error}`, line, column: 1, offset: 0 })),
  );
  throw new PolicyError("tests-failed", [
    { message: "test(s) failed", line: first.line, column: 1, offset: 0 },
    ...problems,
  ]);
}

function asCompilation(compiled: CompiledPolicy): Compilation {
  if (compiled instanceof Compilation) return compiled;
  throw new TypeError("not a policy that compilePolicy made");
}
