import { parseHujson } from "#hujson/hujson.ts";
import { HujsonError } from "#hujson/hujson-error.ts";
import { PolicyError, problemAt } from "../policy-error.ts";
import type { Policy } from "./policy-document.ts";
import { readPolicy } from "./read-policy.ts";
import { SyntaxContext } from "./syntax-context.ts";

/** A policy of 145,000 lines is about 6 MB. */
const defaultMaxBytes = 16 * 1024 * 1024;
const maxDepth = 32;
/** A file with more faults is not read to the end by anybody. */
const maxProblems = 100;

export interface ParsePolicyOptions {
  /** Domains that `localpart:*@DOMAIN` may name, see `tailnetDomains`. Absent or empty: not known, so any may. */
  readonly domains?: readonly string[];
  readonly maxBytes?: number;
}

/**
 * Reads a policy in HuJSON; blank text is no policy at all.
 * @throws {PolicyError} naming every problem with its place; its message is the hosted service's for the first.
 */
export function parsePolicy(text: string, options: ParsePolicyOptions = {}): Policy {
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  // A character takes at least one byte, so that a hostile text is not even encoded.
  if (text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes) {
    throw new PolicyError("too-large", [
      { message: `policy is larger than ${maxBytes} bytes`, line: 1, column: 1, offset: 0 },
    ]);
  }
  const context = new SyntaxContext();
  const policy = readPolicy(context, text, readMembers(text), new Set(options.domains));
  const [first, ...others] = context.problems
    .slice(0, maxProblems)
    .map(({ index, message }) => problemAt(text, index, message));
  if (first !== undefined) throw new PolicyError("invalid", [first, ...others]);
  return policy;
}

function readMembers(text: string) {
  if (text.trim() === "") return [];
  try {
    const root = parseHujson(text, { maxDepth });
    if (root.kind !== "object") throw new HujsonError(root.start, "a policy is an object: { … }");
    return root.members;
  } catch (cause) {
    if (!(cause instanceof HujsonError)) throw cause;
    throw new PolicyError("bad-syntax", [problemAt(text, cause.index, cause.message)]);
  }
}
