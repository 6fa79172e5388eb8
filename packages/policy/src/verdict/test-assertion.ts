import type { AccessVerdict } from "./pair-verdict.ts";

export type Outcome = "accept" | "check" | "deny";

/** One expectation of a policy's test, and what came of it. */
export interface TestAssertion {
  /** Where it stands in the policy's text. */
  readonly at: number;
  /** The destination as the test says it; empty where the entry as a whole is at fault. */
  readonly dst: string;
  /** The protocol as the test says it; empty: TCP or UDP, and for SSH. */
  readonly proto: string;
  /** Of an SSH test. */
  readonly login: string;
  readonly expected: Outcome | undefined;
  /** Undefined: it could not be asked. */
  readonly got: Outcome | undefined;
  /** What is wrong, in the hosted service's words; undefined: it holds. */
  readonly error: string | undefined;
  /** The devices and the rule that decided: the first pair to go wrong, else the first of all. */
  readonly decided: AccessVerdict | undefined;
}

const blank = { dst: "", proto: "", login: "", expected: undefined, got: undefined, decided: undefined } as const;

/** An assertion that cannot be asked; parts of it may be known. */
export function fault(at: number, error: string, known: Partial<TestAssertion> = {}): TestAssertion {
  return { ...blank, ...known, at, error };
}

/** As the hosted service calls outcomes. */
export const shownAs = { accept: "Accept", check: "Check", deny: "Drop" } as const satisfies Record<Outcome, string>;
