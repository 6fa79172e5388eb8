import { fc, test } from "@fast-check/vitest";
import type { Node, UserProfile } from "@headscale/tailcfg";
import { DiscoKey, NodeKey } from "@headscale/tailcfg/keys";
import { firstMessage, type Netmap, type NetmapView, netmapDelta } from "@headscale/tailnet/netmap";
import { describe, expect } from "vitest";
import { ClientNetmap } from "../support/control/client-netmap.ts";

const now = Date.UTC(2026, 0, 1);
const view = { now, settings: { logtail: false } } as unknown as NetmapView;
const bytes = (n: number) => new Uint8Array(32).fill(n);

/** What of a peer may differ between two maps; fields that are once known stay known, as the server keeps them. */
const peer = fc.record({
  key: fc.integer({ min: 1, max: 3 }),
  disco: fc.integer({ min: 1, max: 3 }),
  user: fc.integer({ min: 1, max: 3 }),
  name: fc.constantFrom("a", "b"),
  endpoints: fc.constantFrom(undefined, ["192.0.2.1:1"], ["192.0.2.1:1", "192.0.2.2:2"]),
  derp: fc.integer({ min: 1, max: 2 }),
  online: fc.boolean(),
  routes: fc.constantFrom([], ["10.0.0.0/24"]),
  tags: fc.constantFrom(undefined, ["tag:a"]),
  capMap: fc.constantFrom(undefined, { "suggest-exit-node": null }),
  expiry: fc.constantFrom(undefined, "2026-06-01T00:00:00.000Z"),
});
const map = fc.record({
  peers: fc.dictionary(fc.constantFrom("2", "3", "4", "5"), peer),
  filters: fc.dictionary(fc.constantFrom("base", "extra", "more"), fc.constantFrom([], [{ SrcIPs: ["*"] }])),
  name: fc.constantFrom("me", "myself"),
  domain: fc.constantFrom("a.test", "b.test"),
  ssh: fc.constantFrom([], [{ principals: [{ any: true }], sshUsers: { "*": "=" }, action: { accept: true } }]),
  dns: fc.constantFrom({ Proxied: true }, { Proxied: false }),
  region: fc.constantFrom("x", "y"),
  display: fc.constantFrom("Alice", "Alice S."),
});
type Drawn = typeof map extends fc.Arbitrary<infer T> ? T : never;

function peerRecord(id: number, drawn: Drawn["peers"][string]): Node {
  return {
    ID: id,
    StableID: String(id),
    Name: `${drawn.name}${id}.a.test.`,
    User: drawn.user,
    Key: NodeKey.fromBytes(bytes(drawn.key)),
    DiscoKey: DiscoKey.fromBytes(bytes(drawn.disco)),
    Addresses: [`100.64.0.${id}/32`],
    AllowedIPs: [`100.64.0.${id}/32`, ...drawn.routes],
    ...(drawn.routes.length > 0 && { PrimaryRoutes: drawn.routes }),
    ...(drawn.endpoints && { Endpoints: drawn.endpoints }),
    HomeDERP: drawn.derp,
    Hostinfo: { OS: "linux" },
    Cap: 142,
    Online: drawn.online,
    ...(!drawn.online && { LastSeen: "2025-12-31T00:00:00.000Z" }),
    ...(drawn.tags && { Tags: drawn.tags }),
    ...(drawn.capMap && { CapMap: drawn.capMap }),
    ...(drawn.expiry && { KeyExpiry: drawn.expiry }),
  };
}

function netmapOf(drawn: Drawn): Netmap {
  const peers = new Map(Object.entries(drawn.peers).map(([id, one]) => [Number(id), peerRecord(Number(id), one)]));
  const owners = new Set([1, ...[...peers.values()].map(({ User }) => User)]);
  const profile = (ID: number): UserProfile => ({ ID, LoginName: `u${ID}`, DisplayName: drawn.display });
  const self: Node = {
    ...peerRecord(1, {
      key: 1,
      disco: 1,
      user: 1,
      name: "a",
      endpoints: undefined,
      derp: 1,
      online: true,
      routes: [],
      tags: undefined,
      capMap: undefined,
      expiry: undefined,
    }),
    Name: `${drawn.name}.a.test.`,
    MachineAuthorized: true,
  };
  return {
    self,
    peers,
    profiles: new Map([...owners].map((id) => [id, profile(id)])),
    filters: drawn.filters,
    ssh: { rules: drawn.ssh },
    dns: drawn.dns,
    derpMap: { Regions: { "1": { RegionID: 1, RegionCode: drawn.region, RegionName: "", Nodes: [] } } },
    domain: drawn.domain,
  };
}

/** When a peer that is online was last seen is old news that clients keep. */
function comparable(client: ClientNetmap) {
  const { peers, ...rest } = client.snapshot();
  return { ...rest, peers: peers.map(({ LastSeen, ...one }) => (one.Online ? one : { ...one, LastSeen })) };
}

describe("netmapDelta", () => {
  test.prop([map, map, fc.constantFrom(113, 142, 145)], { numRuns: 500 })(
    "takes a client that knows one map to exactly the other",
    (first, second, version) => {
      const [before, after] = [netmapOf(first), netmapOf(second)];
      const [told, fresh] = [new ClientNetmap(version), new ClientNetmap(version)];
      told.apply(firstMessage(view, before), now);
      const delta = netmapDelta(before, after);
      if (delta) told.apply(delta, now);
      fresh.apply(firstMessage(view, after), now);
      expect(comparable(told)).toEqual(comparable(fresh));
    },
  );

  test.prop([map])("has nothing to say between equal maps", (drawn) => {
    expect(netmapDelta(netmapOf(drawn), netmapOf(structuredClone(drawn)))).toBeUndefined();
  });
});
