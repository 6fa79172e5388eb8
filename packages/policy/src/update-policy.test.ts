import type { Addr, Prefix } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import type { Compilation } from "./compile/compilation.ts";
import { compile } from "./compile-policy.ts";
import type { PolicyNode } from "./engine.ts";
import { parsePolicy } from "./syntax/parse-policy.ts";
import { updatePolicy } from "./update-policy.ts";

const node = (id: number): PolicyNode => ({
  id,
  userId: 1,
  tags: [],
  addresses: { v4: `100.${64 + (id >> 16)}.${(id >> 8) & 255}.${id & 255}` as Addr },
  advertisedRoutes: [],
  approvedRoutes: [],
});

test("machines that come and go by the thousand leave nothing behind, and nobody else notices", () => {
  const policy = parsePolicy('{"grants": [{"src": ["ana@x.test"], "dst": ["autogroup:member"], "ip": ["22"]}]}');
  const users = [
    { id: 1, loginName: "eve@x.test" },
    { id: 2, loginName: "ana@x.test" },
  ];
  const staying = [node(1), { ...node(2), userId: 2 }];
  const first = compile({ policy, users, nodes: staying, settings: { serverUrl: "" } });
  let live: Compilation = first;
  const filter = live.packetFilters(1);
  for (let id = 3; id < 2200; id += 1) {
    live = updatePolicy(live, { putNodes: [node(id)] }).next as Compilation;
    const { next, affected } = updatePolicy(live, { removedNodes: [id] });
    live = next as Compilation;
    expect([affected.filters, [...affected.peers]]).toEqual([[], [[2, { added: [], removed: [id] }]]]);
  }
  expect(live.resolution.roster.bySlot.length).toBeLessThan(1100);
  expect(live.packetFilters(1)).toBe(filter);
  expect(live.peersOf(2)).toEqual([1, 2]);
  expect(live.packetFilters(2)).toEqual(first.packetFilters(2));
});

describe("lists of sources that change places", () => {
  const corp = {
    users: [
      { id: 1, loginName: "eve@x.test" },
      { id: 2, loginName: "ana@x.test" },
    ],
    settings: { serverUrl: "" },
  };
  const owned = (id: number, rest: Partial<PolicyNode>): PolicyNode => ({ ...node(id), ...rest });
  const server = owned(9, { tags: ["tag:srv"] });
  const grants = (...rules: object[]) =>
    parsePolicy(JSON.stringify({ tagOwners: { "tag:a": [], "tag:b": [], "tag:srv": [] }, grants: rules }));

  test.for([
    { says: "the same ports", ports: ["22", "22"], named: [] },
    { says: "other ports", ports: ["22", "80"], named: [9] },
  ])("concern a server that both may reach at $says: $named", ({ ports, named }) => {
    const policy = grants(
      { src: ["tag:a"], dst: ["tag:srv"], ip: [ports[0]] },
      { src: ["tag:b"], dst: ["tag:srv"], ip: [ports[1]] },
    );
    const live = compile({ ...corp, policy, nodes: [owned(1, { tags: ["tag:a"] }), server] });
    const { affected } = updatePolicy(live, { putNodes: [owned(1, { tags: ["tag:b"] })] });
    expect(affected.filters).toEqual(named);
  });

  test("do so in rings of three", () => {
    const [a, b, c] = [["tag:a"], ["tag:b"], ["tag:srv"]];
    const policy = grants(...[a, b, c].map((src) => ({ src, dst: ["eve@x.test"], ip: ["22"] })));
    const nodes = [owned(5, {}), owned(1, { tags: a }), owned(2, { tags: b }), owned(3, { tags: c })];
    const live = compile({ ...corp, policy, nodes });
    const turned = [owned(1, { tags: b }), owned(2, { tags: c }), owned(3, { tags: a })];
    expect(updatePolicy(live, { putNodes: turned }).affected.filters).toEqual([]);
    expect(updatePolicy(live, { putNodes: turned.slice(0, 2) }).affected.filters).toEqual([5]);
  });

  test("do not say anything new with a route that stood in the rule already", () => {
    const routes = ["10.0.0.0/16" as Prefix];
    const policy = grants({ src: ["*", "10.0.0.0/16"], dst: ["tag:srv"], ip: ["22"] });
    const live = compile({ ...corp, policy, nodes: [owned(1, {}), server] });
    const router = owned(1, { advertisedRoutes: routes, approvedRoutes: routes });
    expect(updatePolicy(live, { putNodes: [router] }).affected.filters).toEqual([]);
  });
});

test("a router that goes out of sight, by what lies in one of its routes, leaves its other routes to the next", () => {
  const near = "100.64.0.0/29" as Prefix;
  const lan = "192.168.0.0/16" as Prefix;
  const router = (id: number, userId: number, routes: readonly Prefix[]): PolicyNode => ({
    ...node(id),
    userId,
    advertisedRoutes: routes,
    approvedRoutes: routes,
  });
  const policy = parsePolicy(
    '{"tagOwners": {"tag:x": []}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]}',
  );
  const users = [
    { id: 1, loginName: "eve@x.test" },
    { id: 2, loginName: "ana@x.test" },
  ];
  const nodes = [{ ...node(1), userId: 2 }, router(28, 1, [near, lan]), router(35, 2, [lan]), router(39, 2, [lan])];
  const live = compile({ policy, users, nodes, settings: { serverUrl: "" } });
  const { next, affected } = updatePolicy(live, { putNodes: [{ ...node(1), tags: ["tag:x"] }] });
  expect([live.routesFor(35, 28).allowed, live.routesFor(35, 39).allowed]).toEqual([[near, lan], []]);
  expect([next.canSee(35, 28), next.routesFor(35, 39).allowed]).toEqual([false, [lan]]);
  expect(affected.routes).toEqual(
    new Map([
      [35, [39]],
      [39, [35]],
    ]),
  );
});
