import type { Prefix } from "@headscale/netip";
import type { IpSetStep } from "#syntax/ip-sets.ts";
import type { Located } from "#syntax/policy-document.ts";
import type { PostureAssertion } from "#syntax/postures.ts";
import { quote } from "#syntax/quote.ts";
import type { Selector } from "#syntax/selector.ts";
import type { SyntaxContext } from "#syntax/syntax-context.ts";
import type { Role } from "./roles.ts";

/** What a policy declares, for rules to refer to. */
export interface DeclaredNames {
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly hosts: ReadonlyMap<string, Prefix>;
  readonly ipSets: ReadonlyMap<string, readonly IpSetStep[]>;
  readonly tagOwners: ReadonlyMap<string, readonly Selector[]>;
  readonly postures: ReadonlyMap<string, readonly PostureAssertion[]>;
}

/** Checks that selectors may stand where they stand and refer to something declared. */
export class References {
  readonly context: SyntaxContext;
  readonly names: DeclaredNames;

  constructor(context: SyntaxContext, names: DeclaredNames) {
    this.context = context;
    this.names = names;
  }

  selectors(selectors: readonly Selector[], role: Role): void {
    for (const selector of selectors) {
      const fault = this.#fault(selector, role);
      if (fault !== undefined) this.context.problem(selector.at, fault);
      else this.#warn(selector);
    }
  }

  /** What may be said, but stands for nothing that this server has. */
  #warn(selector: Selector): void {
    const { kind, text, at } = selector;
    if (kind === "service")
      this.context.warn(at, `${quote(text)}: this server offers no services, so nobody reaches it`);
    if (kind === "autogroup" && selector.name === "shared")
      this.context.warn(at, `${quote(text)}: nodes are not shared between tailnets here, so it stands for nobody`);
  }

  postures(names: readonly Located[]): void {
    for (const { text, at } of names) {
      if (!this.names.postures.has(text.trim())) this.context.problem(at, `posture not found: ${quote(text)}`);
    }
  }

  #fault(selector: Selector, role: Role): string | undefined {
    if (selector.kind === "autogroup") return autogroupFault(selector.name, selector.text, role);
    if (!role.kinds.has(selector.kind)) {
      if (selector.kind === "host") return `${role.prefix(selector.text)}${quote(selector.text)}: invalid address`;
      return `${role.prefix(selector.text)}${quote(selector.text)} cannot be used here`;
    }
    return this.isDeclared(selector) ? undefined : role.prefix(selector.text) + undeclared(selector);
  }

  isDeclared(selector: Selector): boolean {
    switch (selector.kind) {
      case "group":
        return this.names.groups.has(selector.text);
      case "tag":
        return this.names.tagOwners.has(selector.text);
      case "host":
        return this.names.hosts.has(selector.text);
      case "ipset":
        return this.names.ipSets.has(selector.text);
      default:
        return true;
    }
  }
}

function undeclared(selector: Selector): string {
  return selector.kind === "host"
    ? `${quote(selector.text)}: invalid address`
    : `${selector.kind} not found: ${quote(selector.text)}`;
}

const known = new Set(["self", "internet", "danger-all", "member", "tagged", "shared", "nonroot"]);

function autogroupFault(name: string, text: string, role: Role): string | undefined {
  if (role.autogroups.has(name)) return undefined;
  if (name === "self" && role.prefix(text) === "src=") return `${quote(text)} not valid on the src side of a rule`;
  if (name === "internet" && role.prefix(text) === "src=")
    return "autogroup:internet can only be used in ACL destinations";
  if (name === "danger-all" && role.kinds.has("service")) return "cannot use autogroup:danger-all as a dst";
  if (known.has(name)) return `${role.prefix(text)}${quote(text)} cannot be used here`;
  return `${role.prefix(text)}autogroup not found: ${quote(text)}`;
}
