import { parsePrefix } from "@headscale/netip";
import { DiscoKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { Server } from "#change/server.fixture.ts";
import { expireNode, setApprovedRoutes, setTags } from "#nodes/commands.ts";
import { type Node, type Presence, unknownPresence } from "#nodes/node.ts";
import { type NodeId, taggedDevicesUserId } from "#world/ids.ts";
import { peerRecord, selfRecord, shownHostinfo } from "./record.ts";
import { viewOf } from "./view.fixture.ts";

const discoKey = DiscoKey.fromBytes(new Uint8Array(32).fill(5));

function lab() {
  const server = new Server();
  const node = server.join(server.user("alice"), { Hostname: "box" });
  const presence = new Map<NodeId, Presence>();
  const be = (now: Partial<Presence>) => presence.set(node.id, { ...unknownPresence, ...now });
  const fresh = () => server.node(node.id) as Node;
  const none = { allowed: [], primary: [] };
  return {
    server,
    node,
    be,
    peer: (routes = none) => peerRecord(viewOf(server, presence), fresh(), routes),
    self: () => selfRecord(viewOf(server, presence), fresh()),
  };
}

describe("peerRecord", () => {
  test("says all that a peer needs, and not the machine key", () => {
    const { node, be, peer } = lab();
    be({
      online: true,
      discoKey,
      endpoints: ["1.2.3.4:5"],
      homeDerp: 3,
      capVersion: 142,
      hostinfo: { OS: "linux", Hostname: "box" },
    });
    expect(peer()).toEqual({
      ID: 1,
      StableID: "1",
      Name: "box.example.test.",
      User: 1,
      Key: node.nodeKey,
      DiscoKey: discoKey,
      Addresses: ["100.64.0.1/32", "fd7a:115c:a1e0::1/128"],
      AllowedIPs: ["100.64.0.1/32", "fd7a:115c:a1e0::1/128"],
      Endpoints: ["1.2.3.4:5"],
      HomeDERP: 3,
      Hostinfo: { OS: "linux", Hostname: "box" },
      Created: "2026-01-01T00:00:00.000Z",
      Cap: 142,
      Online: true,
    });
  });

  test("says of a node that never came that it is offline, rather than nothing", () => {
    expect(lab().peer()).toMatchObject({ Online: false, Hostinfo: {} });
  });

  test.for(["DiscoKey", "Endpoints", "HomeDERP", "Cap", "KeyExpiry", "LastSeen", "PrimaryRoutes", "Tags", "Expired"])(
    "leaves %s out while there is none: clients would take a zero at its word",
    (field) => {
      expect(lab().peer()).not.toHaveProperty(field);
    },
  );

  test("says when an offline peer was last seen, and nothing of that while it is online", () => {
    const { be, peer } = lab();
    be({ online: false, lastSeen: Date.UTC(2026, 0, 2) });
    expect(peer().LastSeen).toBe("2026-01-02T00:00:00.000Z");
    be({ online: true, lastSeen: Date.UTC(2026, 0, 2) });
    expect(peer()).not.toHaveProperty("LastSeen");
  });

  test("adds the routes of this viewer behind the addresses", () => {
    const routes = {
      allowed: [parsePrefix("10.0.0.0/24"), parsePrefix("0.0.0.0/0")],
      primary: [parsePrefix("10.0.0.0/24")],
    };
    expect(lab().peer(routes as never)).toMatchObject({
      AllowedIPs: ["100.64.0.1/32", "fd7a:115c:a1e0::1/128", "10.0.0.0/24", "0.0.0.0/0"],
      PrimaryRoutes: ["10.0.0.0/24"],
    });
  });

  test("shows a tagged node with its tags, owned by nobody in particular", () => {
    const { server, node, peer } = lab();
    server.definedTags.add("tag:web");
    server.run(setTags(node.id, ["tag:web"]));
    expect(peer()).toMatchObject({ Tags: ["tag:web"], User: taggedDevicesUserId });
  });

  test("says that a key has expired, and when", () => {
    const { server, node, peer, self } = lab();
    server.run(expireNode(node.id, server.now + 1000));
    expect(peer()).toMatchObject({ KeyExpiry: "2026-01-01T00:00:01.000Z" });
    expect(peer()).not.toHaveProperty("Expired");
    server.now += 1000;
    expect(peer()).toMatchObject({ Expired: true });
    expect(self()).toMatchObject({ Expired: true, MachineAuthorized: false });
  });
});

describe("selfRecord", () => {
  test("is complete, authorized, and does not repeat what the node reports itself", () => {
    const { node, be, self } = lab();
    be({ online: true, discoKey, endpoints: ["1.2.3.4:5"], homeDerp: 3, hostinfo: { OS: "linux" } });
    expect(self()).toMatchObject({
      Machine: node.machineKey,
      MachineAuthorized: true,
      Online: true,
      Hostinfo: {},
      CapMap: { "ssh-env-vars": null, "tailnet-display-name": ["example.test"] },
    });
    for (const field of ["Endpoints", "HomeDERP", "DiscoKey", "Cap"]) expect(self()).not.toHaveProperty(field);
  });

  test("does not change when the node reports something", () => {
    const { be, self } = lab();
    const before = self();
    be({
      online: true,
      endpoints: ["1.2.3.4:5"],
      homeDerp: 3,
      capVersion: 142,
      hostinfo: { OS: "linux", Hostname: "box" },
    });
    expect(self()).toEqual(before);
  });

  test("knows the routes that it may carry", () => {
    const { server, node, be, self } = lab();
    be({ online: true, hostinfo: { RoutableIPs: ["10.0.0.0/24", "10.1.0.0/24"] } });
    server.run(setApprovedRoutes(node.id, [parsePrefix("10.0.0.0/24")]));
    expect(self()).toMatchObject({ PrimaryRoutes: ["10.0.0.0/24"] });
    expect(self().AllowedIPs).toContain("10.0.0.0/24");
    expect(self().AllowedIPs).not.toContain("10.1.0.0/24");
  });
});

describe("shownHostinfo", () => {
  test("shows peers what some feature needs of a host, and nothing else", () => {
    const shown = {
      OS: "linux",
      Hostname: "box",
      Services: [{ Proto: "peerapi4", Port: 1 }],
      sshHostKeys: ["k"],
      PeerRelay: true,
    };
    const hidden = {
      IPNVersion: "1",
      BackendLogID: "secret",
      NetInfo: { PreferredDERP: 1 },
      RoutableIPs: ["10.0.0.0/8"],
      DeviceModel: "x",
    };
    expect(shownHostinfo({ ...hidden, ...shown })).toEqual(shown);
  });

  test("does not change with a node's latencies, which change all the time", () => {
    const at = (latency: number) => shownHostinfo({ OS: "linux", NetInfo: { DERPLatency: { "1-v4": latency } } });
    expect(at(0.1)).toEqual(at(0.2));
  });
});
