import type { Policy } from "#syntax/policy-document.ts";
import type { Selector } from "#syntax/selector.ts";
import type { PolicyUser } from "../engine.ts";
import type { NodeFacts } from "./node-facts.ts";
import { loginDomain, type UserDirectory } from "./user-directory.ts";

/** Finds which selectors denote a node by its owner or tags, without asking each selector. */
export class PeopleIndex {
  readonly #users = new Map<string, number[]>();
  readonly #domains = new Map<string, number[]>();
  readonly #tags = new Map<string, number[]>();
  readonly #autogroups = new Map<string, number[]>();

  add(id: number, selector: Selector, policy: Policy | undefined): void {
    if (selector.kind === "user") file(this.#users, selector.text, id);
    else if (selector.kind === "domain") file(this.#domains, selector.domain, id);
    else if (selector.kind === "tag") file(this.#tags, selector.text, id);
    else if (selector.kind === "autogroup") file(this.#autogroups, selector.name, id);
    else if (selector.kind === "group") {
      for (const member of new Set(policy?.groups.get(selector.text))) file(this.#users, member, id);
    }
  }

  /** Ids of the selectors that denote the node. */
  selectorsOf(facts: NodeFacts, directory: UserDirectory): Set<number> {
    const found = new Set<number>();
    if (facts.tagged) {
      for (const tag of facts.node.tags) collect(found, this.#tags, tag);
      collect(found, this.#autogroups, "tagged");
      return found;
    }
    const owner = directory.user(facts.ownerId);
    if (owner !== undefined) this.#collectOwner(found, owner, directory);
    if (owner?.shared === true) collect(found, this.#autogroups, "shared");
    else collect(found, this.#autogroups, "member");
    return found;
  }

  #collectOwner(found: Set<number>, owner: PolicyUser, directory: UserDirectory): void {
    for (const text of directory.textsFor(owner)) collect(found, this.#users, text);
    if (owner.loginName.includes("@")) collect(found, this.#domains, loginDomain(owner.loginName));
    for (const role of owner.roles ?? []) if (role !== "member") collect(found, this.#autogroups, role);
  }
}

function file(index: Map<string, number[]>, key: string, id: number): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, [id]);
  else ids.push(id);
}

function collect(found: Set<number>, index: ReadonlyMap<string, readonly number[]>, key: string): void {
  for (const id of index.get(key) ?? []) found.add(id);
}
