import { isExitRoute, type Prefix, prefixCovers } from "@headscale/netip";
import { nodeFacts } from "#resolve/node-facts.ts";
import type { PolicyIndex } from "#resolve/policy-index.ts";
import type { UserDirectory } from "#resolve/user-directory.ts";
import type { Policy } from "#syntax/policy-document.ts";
import type { PolicyNode } from "../engine.ts";

/** Who may what without asking an administrator: routes, exit nodes, services, tags. Decided from the node or user alone. */
export interface PlannedPermissions {
  readonly routes: readonly { readonly prefix: Prefix; readonly approvers: readonly number[] }[];
  readonly exitNode: readonly number[];
  readonly services: ReadonlyMap<string, readonly number[]>;
  readonly pools: readonly {
    readonly pool: readonly Prefix[];
    readonly everybody: boolean;
    readonly targets: readonly number[];
  }[];
  /** Tag → selectors of its owners, tags apart. */
  readonly owners: ReadonlyMap<string, { readonly people: readonly number[]; readonly tags: readonly string[] }>;
}

export function planPermissions(index: PolicyIndex, policy: Policy | undefined): PlannedPermissions {
  const ids = (selectors: Parameters<PolicyIndex["selector"]>[0][]) =>
    selectors.map((selector) => index.selector(selector));
  const approvers = policy?.autoApprovers;
  return {
    routes: (approvers?.routes ?? []).map((route) => ({ prefix: route.prefix, approvers: ids([...route.approvers]) })),
    exitNode: ids([...(approvers?.exitNode ?? [])]),
    services: new Map(Array.from(approvers?.services ?? [], ([name, who]) => [name, ids([...who])])),
    pools: (policy?.nodeAttrs ?? [])
      .filter(({ ipPool }) => ipPool.length > 0)
      .map(({ ipPool, target }) => ({
        pool: ipPool,
        everybody: target.some(({ kind }) => kind === "any"),
        targets: ids([...target]),
      })),
    owners: new Map(
      Array.from(policy?.tagOwners ?? [], ([tag, owners]) => [
        tag,
        {
          people: ids(owners.filter(({ kind }) => kind !== "tag")),
          tags: owners.filter(({ kind }) => kind === "tag").map(({ text }) => text),
        },
      ]),
    ),
  };
}

export class Permissions {
  readonly #index: PolicyIndex;
  readonly #plan: PlannedPermissions;
  readonly #directory: UserDirectory;

  constructor(index: PolicyIndex, plan: PlannedPermissions, directory: UserDirectory) {
    this.#index = index;
    this.#plan = plan;
    this.#directory = directory;
  }

  /** Exit routes are a matter of `exitNode` alone: a `/0` under `routes` approves subnets only. */
  approvedRoutes(node: PolicyNode): Prefix[] {
    const is = this.#identity(node);
    const approves = (approvers: readonly number[]) => approvers.some((id) => is.has(id));
    return node.advertisedRoutes.filter((route) => {
      if (isExitRoute(route)) return approves(this.#plan.exitNode);
      return this.#plan.routes.some(({ prefix, approvers }) => prefixCovers(prefix, route) && approves(approvers));
    });
  }

  mayHostService(node: PolicyNode, service: string): boolean {
    const is = this.#identity(node);
    return (this.#plan.services.get(service) ?? []).some((id) => is.has(id));
  }

  addressPools(node: PolicyNode): Prefix[] {
    const is = this.#identity(node);
    const own = this.#plan.pools.filter(({ everybody, targets }) => everybody || targets.some((id) => is.has(id)));
    return own.flatMap(({ pool }) => pool);
  }

  mayAssignTag(who: { readonly userId: number } | { readonly tags: readonly string[] }, tag: string): boolean {
    if (!this.#plan.owners.has(tag)) return false;
    const chain = this.#ownersOf(tag);
    if ("tags" in who) return who.tags.some((held) => chain.has(held));
    const user = this.#directory.user(who.userId);
    if (user?.roles?.some((role) => role === "owner" || role === "admin" || role === "network-admin") === true)
      return true;
    const is = this.#identity({
      id: 0,
      userId: who.userId,
      tags: [],
      addresses: {},
      advertisedRoutes: [],
      approvedRoutes: [],
    });
    return [...chain].some((owner) => this.#plan.owners.get(owner)?.people.some((id) => is.has(id)) === true);
  }

  /** The tag itself and every tag that owns it, directly or through others. */
  #ownersOf(tag: string): Set<string> {
    const chain = new Set([tag]);
    for (const next of chain) for (const owner of this.#plan.owners.get(next)?.tags ?? []) chain.add(owner);
    return chain;
  }

  #identity(node: PolicyNode): Set<number> {
    return this.#index.people.selectorsOf(nodeFacts(node, 0), this.#directory);
  }
}
