import { readFileSync } from "node:fs";
import type { FilterRule, MapResponse, Node, UserProfile } from "@headscale/tailcfg";
import { describe, expect, test } from "vitest";
import { canonicalNode } from "./canonical-node.ts";
import { ClientNetmap } from "./client-netmap.ts";

/** One line of test/vectors/client-netmap; see the README there. */
interface Case {
  readonly messages: readonly MapResponse[];
  readonly self: Node;
  readonly peers: readonly Node[];
  readonly rebuilds: number;
  readonly packetFilter: readonly FilterRule[];
  readonly domain: string;
  readonly profiles: readonly UserProfile[];
}

const folder = new URL("../../vectors/client-netmap/", import.meta.url);
const cases = readFileSync(new URL("map-session-1.102.5.jsonl", folder), "utf8")
  .trimEnd()
  .split("\n")
  .map((line, index) => ({ index, ...(JSON.parse(line) as Case) }));

/** Go computes two display names for itself. */
function comparable(node: Node & { ComputedName?: string; ComputedNameWithHost?: string }): Node {
  const { ComputedName, ComputedNameWithHost, ...sent } = node;
  return canonicalNode(sent);
}

describe("ClientNetmap", () => {
  test.for(cases)("knows what the code of client 1.102.5 knows: sequence $index", (expected) => {
    const netmap = new ClientNetmap(142);
    for (const message of expected.messages) netmap.apply(message);
    const known = netmap.snapshot();
    expect(known.self).toEqual(comparable(expected.self));
    expect(known.peers).toEqual(expected.peers.map(comparable));
    expect(known.profiles).toEqual(expected.profiles.toSorted((a, b) => a.ID - b.ID));
    expect(netmap.packetFilter).toEqual(expected.packetFilter);
    expect([known.domain, netmap.rebuilds]).toEqual([expected.domain, expected.rebuilds]);
  });
});
