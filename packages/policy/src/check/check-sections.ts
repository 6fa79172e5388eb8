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
  return entry;
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

export function checkApprovers(references: References, approvers: AutoApprovers): void {
  for (const { approvers: who } of approvers.routes) references.selectors(who, roles.approver);
  references.selectors(approvers.exitNode, roles.approver);
  for (const who of approvers.services.values()) references.selectors(who, roles.approver);
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
