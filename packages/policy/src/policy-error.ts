import { byteOffsetAt, positionAt } from "#hujson/position.ts";

export type PolicyErrorCode = "too-large" | "bad-syntax" | "invalid" | "tests-failed";

/** Something wrong at one place of a policy text. */
export interface PolicyProblem {
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** From 0, in bytes of UTF-8. */
  readonly offset: number;
}

/** A policy was refused. `message` is that of the first problem, in the words of the hosted service where those are known. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly code: PolicyErrorCode;
  readonly problems: readonly PolicyProblem[];

  constructor(code: PolicyErrorCode, problems: readonly [PolicyProblem, ...PolicyProblem[]]) {
    super(problems[0].message);
    this.code = code;
    this.problems = problems;
  }
}

export function problemAt(text: string, index: number, message: string): PolicyProblem {
  return { message, ...positionAt(text, index), offset: byteOffsetAt(text, index) };
}
