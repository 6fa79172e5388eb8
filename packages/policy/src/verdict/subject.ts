import { type AddrRange, AddrSet, familyBits, type Prefix, prefixBits, prefixFamily } from "@headscale/netip";
import { roleAutogroups } from "#check/roles.ts";
import type { Compilation } from "#compile/compilation.ts";
import type { NodeFacts } from "#resolve/node-facts.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { Selector } from "#syntax/selector.ts";

/** One end of a question "may this reach that": a node with both its addresses, or a bare address or network. */
export interface Subject {
  readonly node: NodeFacts | undefined;
  readonly addresses: AddrSet;
  /** As people would call it. */
  readonly label: string;
}

const peopleAutogroups: ReadonlySet<string> = new Set(["member", "tagged", ...roleAutogroups]);

/**
 * Subjects that a selector of a test or a question denotes, or why it denotes none.
 * `owner`: whose devices `autogroup:self` means.
 */
export function subjectsOf(
  compilation: Compilation,
  selector: Selector,
  owner: number | undefined,
): readonly Subject[] | { readonly error: string } {
  switch (selector.kind) {
    case "prefix":
      return selector.cidr ? isNetwork(selector) : [literalSubject(compilation, selector.prefix, selector.text)];
    case "host":
      return hostSubject(compilation, selector);
    case "service": {
      const addresses = compilation.resolution.roster.services.get(selector.text) ?? [];
      return [{ node: undefined, addresses: AddrSet.ofAddrs(addresses), label: selector.text }];
    }
    case "tag":
    case "group":
    case "autogroup":
      return peopleFault(compilation, selector, owner) ?? devices(compilation, people(compilation, selector, owner));
    case "user":
    case "domain":
      return devices(compilation, people(compilation, selector, owner));
    default:
      return { error: `"${selector.text}" cannot be used here` };
  }
}

function isNetwork(selector: Selector): { error: string } {
  return { error: `"${selector.text}" is a network, not one host` };
}

function hostSubject(compilation: Compilation, selector: Selector): readonly Subject[] | { error: string } {
  const prefix = compilation.plan.policy?.hosts.get(selector.text);
  if (prefix === undefined) return { error: `host not found: "${selector.text}"` };
  const single = prefixBits(prefix) === familyBits[prefixFamily(prefix)];
  return single ? [literalSubject(compilation, prefix, selector.text)] : isNetwork(selector);
}

function peopleFault(
  compilation: Compilation,
  selector: Selector,
  owner: number | undefined,
): { error: string } | undefined {
  const { policy } = compilation.plan;
  if (selector.kind === "tag" && policy?.tagOwners.has(selector.text) !== true)
    return { error: `tag not found: "${selector.text}"` };
  if (selector.kind === "group" && policy?.groups.has(selector.text) !== true)
    return { error: `group not found: "${selector.text}"` };
  if (selector.kind !== "autogroup" || peopleAutogroups.has(selector.name)) return undefined;
  if (selector.name === "self")
    return owner === undefined ? { error: "autogroup:self has no meaning for this source" } : undefined;
  return { error: `"${selector.text}" cannot be used here` };
}

/** Nodes denoted by owner or tag; asked of the nodes, since the policy need not name the selector anywhere else. */
function people(compilation: Compilation, selector: Selector, owner: number | undefined): SlotSet {
  const { roster, index } = compilation.resolution;
  if (selector.kind === "autogroup" && selector.name === "self")
    return roster.byOwner.get(owner ?? -1) ?? SlotSet.empty;
  const names = index.lookup(selector);
  return SlotSet.of(
    roster.bySlot.flatMap((facts) => (facts !== undefined && names(facts, roster.directory) ? [facts.slot] : [])),
  );
}

function devices(compilation: Compilation, slots: SlotSet): Subject[] {
  const found = slots.toArray().map((slot) => compilation.resolution.roster.bySlot[slot]);
  return found.filter((facts) => facts !== undefined).map(nodeSubject);
}

function nodeSubject(facts: NodeFacts): Subject {
  return { node: facts, addresses: AddrSet.ofRanges(facts.ranges), label: facts.addrs.join(", ") };
}

/** An address together with the node that has it, which matters for `autogroup:self`. */
function literalSubject(compilation: Compilation, prefix: Prefix, label: string): Subject {
  const addresses = AddrSet.ofPrefixes([prefix]);
  const node = compilation.resolution.roster.bySlot.find(
    (facts) => facts?.ranges.some((range) => addresses.overlapsRange(range)) === true,
  );
  return { node, addresses, label };
}

/** The part of an address set in one family. */
export function ofFamily(set: AddrSet, family: AddrRange["family"]): AddrSet {
  return AddrSet.ofRanges(set.ranges.filter((range) => range.family === family));
}
