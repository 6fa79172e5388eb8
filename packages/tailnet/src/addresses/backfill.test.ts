import { parsePrefix } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { backfillAddresses } from "./backfill.ts";

const v4 = parsePrefix("100.64.0.0/10");
const v6 = parsePrefix("fd7a:115c:a1e0::/48");

function lab(prefixes: { v4?: typeof v4; v6?: typeof v6 }) {
  const server = new Server();
  server.settings = { ...server.settings, prefixes };
  const alice = server.user("alice");
  const configure = (now: typeof prefixes) => {
    server.settings = { ...server.settings, prefixes: now };
    return server.run(backfillAddresses(server.world.tailnets.keys()));
  };
  return { server, alice, configure };
}

describe("backfillAddresses", () => {
  test("gives every node the family that it lacks, and says so", () => {
    const { server, alice, configure } = lab({ v4 });
    server.join(alice, { Hostname: "a" });
    server.join(alice, { Hostname: "b" });
    expect(configure({ v4, v6 })).toEqual([
      'assigned IPv6 "fd7a:115c:a1e0::1" to Node(1) "a"',
      'assigned IPv6 "fd7a:115c:a1e0::2" to Node(2) "b"',
    ]);
    expect(server.node(2)).toMatchObject({ ipv4: "100.64.0.2", ipv6: "fd7a:115c:a1e0::2" });
  });

  test("takes away a family that is no longer configured, and its addresses are free again", () => {
    const { server, alice, configure } = lab({ v4, v6 });
    const node = server.join(alice, { Hostname: "a" });
    expect(configure({ v6 })).toEqual(['removing IPv4 "100.64.0.1" from Node(1) "a"']);
    expect(server.node(1)).not.toHaveProperty("ipv4");
    expect(node.ipv4 && server.world.index.nodeByAddr.has(node.ipv4)).toBe(false);
  });

  test("changes nothing when nothing is missing", () => {
    const { server, alice, configure } = lab({ v4, v6 });
    server.join(alice);
    const { world } = server;
    expect(configure({ v4, v6 })).toEqual([]);
    expect(server.world).toBe(world);
  });

  test("does not need a free address of the family that nobody lacks", () => {
    const full = parsePrefix("10.0.0.0/30");
    const { server, alice, configure } = lab({ v4: full });
    server.join(alice, { Hostname: "a" });
    server.join(alice, { Hostname: "b" });
    expect(configure({ v4: full, v6 })).toHaveLength(2);
  });

  test("leaves all as it was when the addresses do not suffice", () => {
    const { server, alice, configure } = lab({ v6 });
    for (const Hostname of ["a", "b", "c"]) server.join(alice, { Hostname });
    const { world } = server;
    expect(refusalOf(() => configure({ v4: parsePrefix("10.0.0.0/30"), v6 }))).toBe("addresses-exhausted");
    expect(server.world).toBe(world);
  });

  test("goes on where it stopped from node to node: ten thousand need no search", () => {
    const { server, alice, configure } = lab({ v4 });
    for (let i = 0; i < 300; i++) server.join(alice, { Hostname: `h${i}` });
    configure({ v4, v6 });
    expect(server.world.index.lastIssued).toEqual({ v4: server.node(300)?.ipv4, v6: server.node(300)?.ipv6 });
  });
});
