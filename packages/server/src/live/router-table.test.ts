import { parsePrefix } from "@headscale/netip";
import type { Node, NodeId, Presence } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import { RouterTable } from "./router-table.ts";

const id = (n: number) => n as NodeId;
const net = parsePrefix("10.0.0.0/24");
const exit = ["0.0.0.0/0", "::/0"];

/** Routers 1 to 3, all approved for whatever they announce, unless said otherwise. */
function lab() {
  const table = new RouterTable();
  const online = new Set<number>();
  const isOnline = (node: NodeId) => online.has(node);
  const put = (
    n: number,
    {
      announces = ["10.0.0.0/24"],
      approved = announces,
      up = true,
    }: { announces?: string[]; approved?: string[]; up?: boolean } = {},
  ) => {
    if (up) online.add(n);
    else online.delete(n);
    const node = { id: id(n), approvedRoutes: approved.map((text) => parsePrefix(text)) } as unknown as Node;
    const presence = { hostinfo: { RoutableIPs: announces } } as unknown as Presence;
    return [...table.update(id(n), node, presence, isOnline)].sort();
  };
  const remove = (n: number) => [...table.update(id(n), undefined, { hostinfo: {} } as Presence, isOnline)].sort();
  const health = (n: number, healthy: boolean) => [...table.setHealth(id(n), healthy, isOnline)].sort();
  return { table, put, remove, health, primary: () => table.primaries.get(net) };
}

describe("RouterTable", () => {
  test("makes the first approved router primary, and tells whose routes that changed", () => {
    const { put, primary } = lab();
    expect(put(1, { approved: [] })).toEqual([]);
    expect(primary()).toBeUndefined();
    expect(put(2)).toEqual([2]);
    expect(put(1)).toEqual([]);
    expect(primary()).toBe(2);
  });

  test("does not count what is approved but not announced", () => {
    const { table, put } = lab();
    put(1, { announces: [], approved: ["10.0.0.0/24"] });
    expect([table.isRouter(id(1)), table.primaries.size]).toEqual([false, 0]);
  });

  test("moves the role when the primary goes offline, and not back when it returns", () => {
    const { put, primary } = lab();
    put(1);
    put(2);
    expect(put(1, { up: false })).toEqual([1, 2]);
    expect(primary()).toBe(2);
    expect(put(1)).toEqual([]);
    expect(primary()).toBe(2);
  });

  test("leaves the role where it is when all are offline", () => {
    const { put, primary } = lab();
    put(1);
    put(2);
    put(1, { up: false });
    expect(put(2, { up: false })).toEqual([]);
    expect(primary()).toBe(2);
  });

  test.for([
    { says: "its approval is withdrawn", how: (l: ReturnType<typeof lab>) => l.put(1, { approved: [] }) },
    { says: "it no longer announces the route", how: (l: ReturnType<typeof lab>) => l.put(1, { announces: [] }) },
    { says: "it is deleted", how: (l: ReturnType<typeof lab>) => l.remove(1) },
    { says: "a probe finds it dead", how: (l: ReturnType<typeof lab>) => l.health(1, false) },
  ])("takes the role from the primary when $says", ({ how }) => {
    const setup = lab();
    setup.put(1);
    setup.put(2);
    expect(how(setup)).toEqual([1, 2]);
    expect(setup.primary()).toBe(2);
  });

  test("has no primary when the last router goes", () => {
    const { table, put, remove, primary } = lab();
    put(1);
    expect(remove(1)).toEqual([1]);
    expect([primary(), table.contested()]).toEqual([undefined, []]);
  });

  test("prefers a healthy router, also one that was dead before", () => {
    const { put, health, primary } = lab();
    put(1);
    put(2);
    health(1, false);
    health(2, false);
    expect(primary()).toBe(2);
    expect(health(1, true)).toEqual([1, 2]);
  });

  test("forgets that a router was dead when it has no routes any more", () => {
    const { put, health, primary } = lab();
    put(1);
    health(1, false);
    put(1, { announces: [] });
    put(1);
    put(2);
    expect(primary()).toBe(1);
  });

  test("probes the routers of prefixes that at least two could carry, of no exit routes", () => {
    const { table, put } = lab();
    put(1, { announces: ["10.0.0.0/24", "10.9.0.0/24", ...exit] });
    put(2, { announces: ["10.0.0.0/24", ...exit] });
    expect(table.contested()).toEqual([["10.0.0.0/24", [1, 2]]]);
    expect(table.isRouter(id(2))).toBe(true);
  });

  test("elects nobody for exit routes: everybody offers them", () => {
    const { table, put } = lab();
    put(1, { announces: exit });
    expect(table.primaries.size).toBe(0);
    expect(table.isRouter(id(1))).toBe(true);
  });
});
