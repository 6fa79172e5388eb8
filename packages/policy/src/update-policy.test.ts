import type { Addr } from "@headscale/netip";
import { expect, test } from "vitest";
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
