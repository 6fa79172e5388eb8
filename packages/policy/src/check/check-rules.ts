import { prefixBits } from "@headscale/netip";
import type { AclRule, Grant } from "#syntax/policy-document.ts";
import { hasPorts } from "#syntax/ports.ts";
import { quote } from "#syntax/quote.ts";
import type { Selector } from "#syntax/selector.ts";
import type { References } from "./references.ts";
import { roleAutogroups, roles } from "./roles.ts";

/** Capabilities of clients that a policy may grant; those the service makes itself are refused. */
const grantableCapabilities: ReadonlySet<string> = new Set(
  ["drive", "relay", "webui", "kubernetes", "tsidp", "secrets", "golink"].map((name) => `tailscale.com/cap/${name}`),
);

const selfSourceAutogroups: ReadonlySet<string> = new Set(["member", ...roleAutogroups]);

export function checkAcl(references: References, rule: AclRule): AclRule {
  const { context } = references;
  references.selectors(rule.src, roles.aclSrc);
  const targets = rule.dst.map(({ selector }) => selector);
  references.selectors(targets, roles.aclDst);
  for (const { selector, ports } of rule.dst) {
    const all = ports.every(({ First, Last }) => First === 0 && Last === 65535);
    if (!all && !hasPorts(rule.protocol)) {
      context.problem(
        selector.at,
        `dst=${quote(selector.text)}: protocol ${rule.protocol} does not support specific ports; only "*" is allowed`,
      );
    }
  }
  checkSelf(references, rule.src, targets, true);
  if (rule.srcPosture !== undefined) references.postures(rule.srcPosture);
  return rule;
}

export function checkGrant(references: References, grant: Grant): Grant {
  const { context } = references;
  if (grant.ip.length === 0 && grant.app.size === 0) {
    context.problem(grant.span.start, "ip and app can not both be empty");
  }
  for (const name of grant.app.keys()) checkCapabilityName(references, name, grant.span.start);
  if (grant.app.size > 0 && grant.dst.some(isInternet)) {
    context.problem(grant.span.start, "cannot use app grants with autogroup:internet");
  }
  for (const selector of grant.dst) {
    if (selector.kind === "prefix" && prefixBits(selector.prefix) === 0) {
      const fault = `dst ${quote(selector.text)}: to allow all IP addresses, use "*" or "autogroup:internet"`;
      context.problem(selector.at, fault);
    }
  }
  references.selectors(grant.src, roles.grantSrc);
  references.selectors(grant.dst, roles.grantDst);
  checkVia(references, grant);
  checkSelf(references, grant.src, grant.dst, false);
  if (grant.srcPosture !== undefined) references.postures(grant.srcPosture);
  for (const { protocol, ports } of grant.ip) {
    if (!hasPorts(protocol) && ports.some(({ Last }) => Last !== 65535)) {
      context.warn(grant.span.start, `protocol ${protocol} has no ports: the entry never matches`);
    }
  }
  return grant;
}

function checkCapabilityName(references: References, name: string, at: number): void {
  if (name.includes("://") || !/^[^/]+\/.+$/.test(name)) {
    references.context.problem(at, "capability name must have the form {domain}/{path}");
  } else if (name.startsWith("tailscale.com/") && !grantableCapabilities.has(name)) {
    references.context.problem(at, "capability name must not be in the tailscale.com domain");
  }
}

function checkVia(references: References, grant: Grant): void {
  for (const tag of grant.via) {
    if (tag.kind !== "tag") references.context.problem(tag.at, "via can only be a tag");
    else if (!references.isDeclared(tag)) references.context.problem(tag.at, `tag ${quote(tag.text)} not found`);
  }
  if (grant.via.length > 0 && grant.app.size > 0) {
    references.context.warn(grant.span.start, "app has no effect in a grant with via");
  }
}

/** `autogroup:self` is for sources that are people: their own devices are meant. */
function checkSelf(
  references: References,
  src: readonly Selector[],
  dst: readonly Selector[],
  anyIsFine: boolean,
): void {
  const self = dst.find((selector) => selector.kind === "autogroup" && selector.name === "self");
  if (self === undefined) return;
  const fine = src.every((selector) => {
    if (selector.kind === "autogroup") return selfSourceAutogroups.has(selector.name);
    return selector.kind === "any" ? anyIsFine : ["user", "group", "domain"].includes(selector.kind);
  });
  if (!fine) {
    references.context.problem(self.at, "autogroup:self can only be used with users, groups, or supported autogroups");
  }
}

function isInternet(selector: Selector): boolean {
  return selector.kind === "autogroup" && selector.name === "internet";
}
