/** What the process exits with. 1 is kept for "the answer is no", so that scripts can tell an answer from a failure. */
export const exitCodes = {
  ok: 0,
  no: 1,
  usage: 2,
  "not-found": 3,
  denied: 4,
  unavailable: 5,
  conflict: 6,
  other: 7,
} as const;

export type FailureKind = Exclude<keyof typeof exitCodes, "ok" | "no">;

/** Ends the command with a sentence for the person who gave it. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly kind: FailureKind;
  /** A second sentence for people: where to read on. */
  readonly hint: string | undefined;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions & { readonly hint?: string }) {
    super(message, options);
    this.kind = kind;
    this.hint = options?.hint;
  }
}

/** Shown under `--help`. */
export const exitCodesHelp = `Exit codes: ${[
  "0 done",
  "1 the answer is no (a difference, a failed check, a question declined)",
  "2 wrong usage or input",
  "3 not found",
  "4 not authenticated or not allowed",
  "5 server unavailable or timed out",
  "6 conflict with the present state",
  "7 anything else",
].join("; ")}.`;
