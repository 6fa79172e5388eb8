import type { AutoApprovers, NodeAttr } from "#syntax/policy-document.ts";
import { quote } from "#syntax/quote.ts";
import type { References } from "./references.ts";
import { roles } from "./roles.ts";

export function checkNodeAttr(references: References, entry: NodeAttr): NodeAttr {
  const self = entry.target.find((selector) => selector.kind === "autogroup" && selector.name === "self");
  if (self !== undefined) references.context.problem(self.at, "autogroup:self cannot be used as a target of nodeAttrs");
  references.selectors(
    entry.target.filter((selector) => selector !== self),
    roles.nodeAttr,
  );
  warnOfAttributes(references, entry);
  return entry;
}

/** Attributes that clients are told of, and that do not do alone what they do with the hosted service. */
function warnOfAttributes({ context }: References, { attr, app, span }: NodeAttr): void {
  if (attr.includes("funnel"))
    context.warn(span.start, "funnel: this server has no entrance from the internet, so nothing comes in");
  if (app.has("tailscale.com/app-connectors"))
    context.warn(
      span.start,
      'app-connectors: this server leads no names to the connector; only its "routes" work, once they are approved',
    );
}

/** Cycles and tags that own themselves are legal and add nothing. */
export function checkTagOwners(references: References): void {
  for (const [tag, owners] of references.names.tagOwners) {
    const { context } = references;
    const undefinedTags = owners.filter((owner) => owner.kind === "tag" && !references.isDeclared(owner));
    for (const owner of undefinedTags)
      context.problem(owner.at, `tag ${quote(tag)} references undefined tag ${quote(owner.text)}`);
    references.selectors(
      owners.filter((owner) => !undefinedTags.includes(owner)),
      roles.tagOwner,
    );
  }
}

/** `at`: where the section stands. */
export function checkApprovers(references: References, approvers: AutoApprovers, at: number | undefined): void {
  for (const { approvers: who } of approvers.routes) references.selectors(who, roles.approver);
  references.selectors(approvers.exitNode, roles.approver);
  for (const who of approvers.services.values()) references.selectors(who, roles.approver);
  const [service] = approvers.services.keys();
  if (service !== undefined && at !== undefined)
    references.context.warn(
      at,
      `autoApprovers.services: this server offers no services, so ${quote(service)} has no hosts`,
    );
}

/** Parts must be declared, and no set may contain itself. */
export function checkIpSets(references: References): void {
  const { hosts, ipSets } = references.names;
  for (const [name, steps] of ipSets) {
    for (const { part, at } of steps) {
      if (part.kind === "host" && !hosts.has(part.name))
        references.context.problem(at, `host not found: ${quote(part.name)}`);
      if (part.kind === "ipset" && !ipSets.has(part.name))
        references.context.problem(at, `ipset not found: ${quote(part.name)}`);
      if (part.kind === "ipset" && reaches(references, part.name, name)) {
        references.context.problem(at, `ipsets: ${quote(name)} contains itself`);
      }
    }
  }
}

function reaches(references: References, from: string, goal: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === goal) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    for (const { part } of references.names.ipSets.get(name) ?? []) if (part.kind === "ipset") open.push(part.name);
  }
  return false;
}
