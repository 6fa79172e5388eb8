import { fc, test as property } from "@fast-check/vitest";
import { type Addr, isExitRoute, type Prefix } from "@headscale/netip";
import { describe, expect } from "vitest";
import { internetV4, internetV6 } from "#resolve/well-known.ts";
import { parsePolicy } from "#syntax/parse-policy.ts";
import { compilePolicy } from "../compile-policy.ts";
import type { CompiledPolicy, PolicyNode, PolicyUser } from "../engine.ts";
import { destinations, letsIn, meets, sourcesTouch } from "./filter-reader.ts";
import { type PlainPolicy, policies, policyText } from "./random-policy.ts";
import { identityOf, isExitNode, nodes, subnetRoutesOf, users } from "./random-tailnet.ts";
import { addresses, type Packet, ReachOracle } from "./reach-oracle.ts";

const settings = { serverUrl: "https://headscale.test" };

function compileAll(
  policy: PlainPolicy,
  allUsers: readonly PolicyUser[],
  allNodes: readonly PolicyNode[],
): CompiledPolicy {
  return compilePolicy({ policy: parsePolicy(policyText(policy)), users: allUsers, nodes: allNodes, settings });
}

const someAddresses = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((id) => [`100.64.0.${id}`, `fd7a:115c:a1e0::${id}`]),
  "10.0.1.200",
  "10.0.1.7",
  "10.0.9.9",
  "192.168.7.7",
  "8.8.8.8",
  "8.8.4.4",
  "2001:db8::1",
] as Addr[];

const packets: fc.Arbitrary<Packet> = fc.record({
  from: fc.constantFrom(...someAddresses),
  to: fc.constantFrom(...someAddresses),
  port: fc.constantFrom(0, 22, 53, 80, 9999),
  protocol: fc.constantFrom(6, 17, 1, 58, 47),
});

/** Whether the node is where a packet to this address ends up. */
function answersFor(node: PolicyNode, { to }: Packet): boolean {
  return addresses(node).includes(to) || subnetRoutesOf(node).some((route) => route.includes("/") && covers(route, to));
}

function covers(route: Prefix, to: Addr): boolean {
  return meets({ SrcIPs: [route] }, [`${to}/${to.includes(":") ? 128 : 32}` as Prefix]);
}

describe("a compiled filter", () => {
  property.prop([policies, users, nodes, fc.array(packets, { minLength: 20, maxLength: 60 })])(
    "lets in exactly what the plainest reading of the policy lets in",
    (policy, allUsers, allNodes, some) => {
      const compiled = compileAll(policy, allUsers, allNodes);
      const oracle = new ReachOracle(policy, allUsers, allNodes);
      for (const node of allNodes) {
        const rules = compiled.filterRules(node.id);
        for (const packet of some.filter((candidate) => answersFor(node, candidate))) {
          expect([node.id, packet, letsIn(rules, packet)]).toEqual([node.id, packet, oracle.admits(node, packet)]);
        }
      }
    },
  );

  property.prop([policies, users, nodes])("says the same in parts as in one list", (policy, allUsers, allNodes) => {
    const compiled = compileAll(policy, allUsers, allNodes);
    const sorted = (rules: readonly unknown[]) => rules.map((rule) => JSON.stringify(rule)).sort();
    for (const { id } of allNodes) {
      expect(sorted(Object.values(compiled.packetFilters(id)).flat())).toEqual(sorted(compiled.filterRules(id)));
    }
  });

  property.prop([policies, users, nodes])("speaks only of what the node answers for", (policy, allUsers, allNodes) => {
    const compiled = compileAll(policy, allUsers, allNodes);
    for (const node of allNodes) {
      const identity = identityOf(node);
      for (const rule of compiled.filterRules(node.id)) {
        const reached = destinations(rule);
        const exits = isExitNode(node) && (reached.overlaps(internetV4) || reached.overlaps(internetV6));
        expect(exits || identity.some((prefix) => reached.overlapsPrefix(prefix))).toBe(true);
      }
    }
  });

  property.prop([policies, users, nodes, fc.array(packets, { minLength: 20, maxLength: 40 })])(
    "lets in no more when a rule is taken away",
    (policy, allUsers, allNodes, some) => {
      const less = { ...policy, grants: policy.grants.slice(1), acls: policy.acls.slice(0, -1) };
      const whole = compileAll(policy, allUsers, allNodes);
      const rest = compileAll(less, allUsers, allNodes);
      for (const { id } of allNodes) {
        const rules = whole.filterRules(id);
        for (const packet of some) expect(!letsIn(rest.filterRules(id), packet) || letsIn(rules, packet)).toBe(true);
      }
    },
  );
});

describe("a compilation", () => {
  property.prop([
    policies,
    users,
    nodes.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
  ])(
    "depends neither on the order of the nodes nor on their numbers, nor on how the policy is laid out",
    (policy, allUsers, [allNodes, shuffled]) => {
      const text = policyText(policy);
      const relaid = JSON.stringify(JSON.parse(text), null, 2).replaceAll("\n", " // note\n");
      const live = compilePolicy({ policy: parsePolicy(text), users: allUsers, nodes: allNodes, settings });
      const renumbered = shuffled.map((node) => ({ ...node, id: node.id + 100 }));
      const other = compilePolicy({ policy: parsePolicy(relaid), users: allUsers, nodes: renumbered, settings });
      for (const { id } of allNodes) {
        expect(other.filterRules(id + 100)).toEqual(live.filterRules(id));
        expect(other.peersOf(id + 100)).toEqual(live.peersOf(id).map((peer) => peer + 100));
        expect(other.sshPolicy(id + 100)).toEqual(live.sshPolicy(id));
        for (const peer of allNodes)
          expect(other.routesFor(id + 100, peer.id + 100)).toEqual(live.routesFor(id, peer.id));
      }
    },
  );
});

describe("visibility", () => {
  property.prop([policies, users, nodes])(
    "is that a rule delivered to one of two nodes has a source that meets the other",
    (policy, allUsers, allNodes) => {
      const compiled = compileAll(policy, allUsers, allNodes);
      const admits = (a: PolicyNode, b: PolicyNode) =>
        compiled.filterRules(a.id).some((rule) => meets(rule, identityOf(b)));
      for (const a of allNodes) {
        for (const b of allNodes) {
          if (a === b) continue;
          expect([a.id, b.id, compiled.canSee(a.id, b.id)]).toEqual([a.id, b.id, admits(a, b) || admits(b, a)]);
        }
        const others = compiled.peersOf(a.id).filter((id) => id !== a.id);
        expect(others).toEqual(allNodes.filter((b) => b !== a && compiled.canSee(a.id, b.id)).map(({ id }) => id));
      }
    },
  );
});

/** The routers of a prefix, best first: the elected one, those that can be reached, the rest; each by id. */
function ranked(route: Prefix, allNodes: readonly PolicyNode[]): PolicyNode[] {
  const routers = allNodes.filter((node) => subnetRoutesOf(node).includes(route));
  const standing = (node: PolicyNode) => {
    if (node.primaryFor?.includes(route) === true) return 0;
    return node.unreachable === true ? 2 : 1;
  };
  return routers.sort((a, b) => standing(a) - standing(b) || a.id - b.id);
}

function mayGet(compiled: CompiledPolicy, viewer: PolicyNode, router: PolicyNode, route: Prefix): boolean {
  if (router === viewer || !compiled.canSee(viewer.id, router.id)) return false;
  if (subnetRoutesOf(viewer).includes(route)) return true;
  const admitted = compiled
    .filterRules(router.id)
    .some((rule) => meets(rule, identityOf(viewer)) && destinations(rule).overlapsPrefix(route));
  return admitted || compiled.filterRules(viewer.id).some((rule) => sourcesTouch(rule, route));
}

describe("routes", () => {
  property.prop([policies, users, nodes])(
    "go to each viewer from the best router that may give them",
    (policy, allUsers, allNodes) => {
      const compiled = compileAll(policy, allUsers, allNodes);
      const routes = new Set(allNodes.flatMap(subnetRoutesOf));
      for (const viewer of allNodes) {
        for (const route of routes) {
          const routers = ranked(route, allNodes);
          const giver =
            routers[0] === viewer ? undefined : routers.find((router) => mayGet(compiled, viewer, router, route));
          const givers = allNodes.filter(
            (peer) => peer !== viewer && compiled.routesFor(viewer.id, peer.id).primary.includes(route),
          );
          expect([viewer.id, route, givers.map(({ id }) => id)]).toEqual([
            viewer.id,
            route,
            giver === undefined ? [] : [giver.id],
          ]);
        }
      }
    },
  );

  property.prop([policies, users, nodes])(
    "of exit nodes go to those whom a rule opens the internet",
    (policy, allUsers, allNodes) => {
      const compiled = compileAll(policy, allUsers, allNodes);
      for (const viewer of allNodes) {
        for (const peer of allNodes) {
          if (peer === viewer) continue;
          const opens = compiled.filterRules(peer.id).some((rule) => {
            if (rule.CapGrant !== undefined || !meets(rule, identityOf(viewer))) return false;
            const reached = (rule.DstPorts ?? []).some(({ IP }) => IP === "*") || destinations(rule).covers(internetV4);
            return reached || destinations(rule).covers(internetV6);
          });
          const offered = compiled.routesFor(viewer.id, peer.id).allowed.some(isExitRoute);
          expect([viewer.id, peer.id, offered]).toEqual([viewer.id, peer.id, isExitNode(peer) && opens]);
        }
      }
    },
  );
});
