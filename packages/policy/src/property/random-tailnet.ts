import { fc } from "@fast-check/vitest";
import { type Addr, type Prefix, singlePrefix } from "@headscale/netip";
import type { PolicyNode, PolicyUser } from "../engine.ts";

/** A small world in which everything meets everything: few names, few addresses, routes inside the tailnet's own range. */
export const userIds = [1, 2, 3] as const;
export const tags = ["tag:a", "tag:b", "tag:c"] as const;
export const nodeIds = [1, 2, 3, 4, 5, 6, 7] as const;

const routePool = [
  "10.0.0.0/16",
  "10.0.1.0/24",
  "192.168.0.0/16",
  "100.64.0.0/29",
  "fd7a:115c:a1e0::/125",
  "8.8.8.0/24",
  "0.0.0.0/0",
  "::/0",
] as Prefix[];

export const literals = [
  "100.64.0.2",
  "fd7a:115c:a1e0::3",
  "10.0.1.0/24",
  "10.0.0.0/8",
  "192.168.7.0/24",
  "100.64.0.0/30",
  "8.8.8.8",
  "fd7a:115c:a1e0::/64",
] as const;

export function userOf(id: number, roles: PolicyUser["roles"] = []): PolicyUser {
  return { id, loginName: `u${id}@${id === 3 ? "other" : "corp"}.test`, name: `u${id}`, roles };
}

export const users: fc.Arbitrary<PolicyUser[]> = fc
  .tuple(...userIds.map(() => fc.subarray(["owner", "admin", "auditor"] as const)))
  .map((roles) => userIds.map((id, index) => userOf(id, roles[index])));

export function nodeWith(id: number): fc.Arbitrary<PolicyNode> {
  const routes = fc.oneof(
    { weight: 2, arbitrary: fc.constant<Prefix[]>([]) },
    { weight: 1, arbitrary: fc.subarray(routePool) },
  );
  return fc
    .record({
      owner: fc.oneof(
        fc.constantFrom(...userIds).map((userId) => ({ userId, tags: [] as string[] })),
        fc.subarray([...tags], { minLength: 1 }).map((own) => ({ userId: 1, tags: own as string[] })),
      ),
      advertisedRoutes: routes,
      approvedRoutes: fc.oneof(fc.constant(routePool), fc.subarray(routePool)),
      unreachable: fc.boolean(),
      primaryFor: fc.oneof(
        { weight: 2, arbitrary: fc.constant<Prefix[]>([]) },
        { weight: 1, arbitrary: fc.subarray(routePool) },
      ),
      managed: fc.boolean(),
      families: fc.constantFrom("both", "v4", "v6"),
    })
    .map(({ owner, managed, families, ...rest }) => ({
      id,
      ...owner,
      ...rest,
      attributes: managed ? { "custom:managed": true } : {},
      addresses: {
        ...(families === "v6" ? {} : { v4: `100.64.0.${id}` as Addr }),
        ...(families === "v4" ? {} : { v6: `fd7a:115c:a1e0::${id}` as Addr }),
      },
    }));
}

export const nodes: fc.Arbitrary<PolicyNode[]> = nodesAmong(nodeIds);

/** Some nodes with these ids. */
export function nodesAmong(ids: readonly number[]): fc.Arbitrary<PolicyNode[]> {
  return fc.subarray([...ids]).chain((some) => fc.tuple(...some.map(nodeWith)));
}

/** The prefixes that a node answers for: its addresses and approved subnet routes. */
export function identityOf(node: PolicyNode): Prefix[] {
  const own = [node.addresses.v4, node.addresses.v6].filter((addr) => addr !== undefined).map(singlePrefix);
  return [...own, ...subnetRoutesOf(node)];
}

export function subnetRoutesOf(node: PolicyNode): Prefix[] {
  return node.advertisedRoutes.filter((route) => node.approvedRoutes.includes(route) && !route.endsWith("/0"));
}

export function isExitNode(node: PolicyNode): boolean {
  return node.advertisedRoutes.some((route) => node.approvedRoutes.includes(route) && route.endsWith("/0"));
}
