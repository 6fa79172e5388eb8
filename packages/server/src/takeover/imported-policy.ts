import { compilePolicy, type Policy, PolicyError, parsePolicy, renderProblem } from "@headscale/policy";
import type { User, UserId } from "@headscale/tailnet";
import { policyUser } from "#live/policy-input.ts";

/** Which tags nodes of a user may carry; none by a policy that does not hold, or without one. */
export function tagJudge(text: string | undefined, users: readonly User[]): (user: UserId, tag: string) => boolean {
  const policy = read(text);
  if (!policy || policy instanceof PolicyError) return () => false;
  const compiled = compilePolicy({ policy, users: users.map(policyUser), nodes: [], settings: { serverUrl: "" } });
  return (userId, tag) => compiled.mayAssignTag({ userId }, tag);
}

/** The first thing that is wrong with a policy text, with its place. */
export function policyProblem(text: string | undefined): string | undefined {
  const policy = read(text);
  if (text === undefined || !(policy instanceof PolicyError)) return undefined;
  const [first] = policy.problems;
  return first ? renderProblem(text, first, "policy") : policy.message;
}

/** Blank text is no policy. */
function read(text: string | undefined): Policy | PolicyError | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    return parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}
