import type { SshRule, SshTest } from "#syntax/policy-document.ts";
import { quote } from "#syntax/quote.ts";
import type { Selector } from "#syntax/selector.ts";
import type { References } from "./references.ts";
import { roles } from "./roles.ts";

const localPart = /^localpart:\*@(.*)$/s;

/** Domain of a `localpart:*@DOMAIN` entry of `users`; anything else is a plain login name. */
export function localPartDomain(user: string): string | undefined {
  return localPart.exec(user)?.[1];
}

export function checkSshRule(references: References, rule: SshRule, domains: ReadonlySet<string>): SshRule {
  const { context } = references;
  references.selectors(rule.src, roles.sshSrc);
  for (const selector of rule.dst) {
    if (selector.kind === "host" || selector.kind === "prefix")
      context.problem(selector.at, `invalid dst ${quote(selector.text)}`);
    else if (selector.kind === "any") context.problem(selector.at, "wildcard (*) is not supported as SSH destination");
    else references.selectors([selector], roles.sshDst);
  }
  checkPairs(references, rule);
  references.selectors(rule.recorder, roles.recorder);
  const named = rule.users
    .map(localPartDomain)
    .concat(rule.src.map((selector) => (selector.kind === "domain" ? selector.domain : undefined)));
  for (const domain of named) {
    if (domain !== undefined && domains.size > 0 && !domains.has(domain)) {
      context.problem(
        rule.span.start,
        `${domain} is not associated with this Tailnet and cannot be used in user:*@<domain> expressions`,
      );
    }
  }
  if (rule.srcPosture !== undefined) references.postures(rule.srcPosture);
  return rule;
}

/** Devices of people open only to the same people. Texts as headscale has them; the service's are not known. */
function checkPairs(references: References, rule: SshRule): void {
  const tagged = rule.src.some((selector) => selector.kind === "tag" || isAutogroup(selector, "tagged"));
  for (const dst of rule.dst) {
    const fault = pairFault(rule.src, dst, tagged);
    if (fault !== undefined) references.context.problem(dst.at, fault);
  }
}

function pairFault(src: readonly Selector[], dst: Selector, tagged: boolean): string | undefined {
  if (dst.kind === "user") {
    if (tagged)
      return `tags in SSH source cannot access user-owned devices (${dst.text}); use autogroup:tagged or specific tags as destinations instead`;
    const same = src.length > 0 && src.every((selector) => selector.kind === "user" && selector.text === dst.text);
    if (!same) {
      return `user destination requires source to contain only that same user ${quote(dst.text)}; use autogroup:self instead for same-user SSH access`;
    }
  }
  if (tagged && isAutogroup(dst, "self")) {
    return "autogroup:self destination requires source to contain only users or groups, not tags or autogroup:tagged";
  }
  if (tagged && isAutogroup(dst, "member"))
    return "tags in SSH source cannot access autogroup:member (user-owned devices)";
  return undefined;
}

function isAutogroup(selector: Selector, name: string): boolean {
  return selector.kind === "autogroup" && selector.name === name;
}

/** Faults of shape have messages of their own; everything else makes the test fail when it runs. */
export function checkSshTest(references: References, test: SshTest): SshTest {
  for (const selector of test.dst) {
    if (selector.kind === "tag" && !references.isDeclared(selector)) {
      references.context.problem(selector.at, `SSH tests dst contains unknown tag ${quote(selector.text)}`);
    } else if (isDisallowed(selector)) {
      references.context.problem(selector.at, `SSH tests dst contains disallowed element ${quote(selector.text)}`);
    }
  }
  return test;
}

function isDisallowed(selector: Selector): boolean {
  if (selector.kind === "prefix") return selector.cidr;
  return selector.kind === "any" || isAutogroup(selector, "internet") || isAutogroup(selector, "danger-all");
}
