import { localPartDomain } from "#check/check-ssh.ts";
import { isSelf } from "#compile/rule-plan.ts";
import type { PolicyIndex } from "#resolve/policy-index.ts";
import type { Policy, SshRule } from "#syntax/policy-document.ts";

/** An SSH rule with its lists under their numbers. */
export interface PlannedSshRule {
  readonly rule: SshRule;
  readonly source: number;
  readonly toSelf: boolean;
  readonly dests: readonly number[];
  /** Requested name → local user, as far as it is the same for everybody. */
  readonly users: Readonly<Record<string, string>>;
  /** Domains whose users may log in under the local part of their own login. */
  readonly localPartDomains: readonly string[];
  readonly recorders: readonly number[];
}

/** `undefined` when the policy has no `ssh` section. */
export function planSsh(index: PolicyIndex, policy: Policy | undefined): PlannedSshRule[] | undefined {
  return policy?.ssh?.map((rule) => ({
    rule,
    source: index.source(
      rule.src,
      (rule.srcPosture ?? policy.defaultSrcPosture).map(({ text }) => text.trim()),
    ),
    toSelf: rule.dst.some(isSelf),
    dests: rule.dst.filter((selector) => !isSelf(selector)).map((selector) => index.selector(selector)),
    users: userMap(rule.users),
    localPartDomains: rule.users.map(localPartDomain).filter((domain) => domain !== undefined),
    recorders: rule.recorder.map((tag) => index.selector(tag)),
  }));
}

/** Root is always named: clients then refuse it unless a rule says otherwise. */
function userMap(users: readonly string[]): Record<string, string> {
  const entries: [string, string][] = [["root", users.includes("root") ? "root" : ""]];
  for (const user of users) {
    if (user === "autogroup:nonroot") entries.push(["*", "="]);
    else if (user !== "root" && localPartDomain(user) === undefined) entries.push([user, user]);
  }
  return Object.fromEntries(entries);
}
