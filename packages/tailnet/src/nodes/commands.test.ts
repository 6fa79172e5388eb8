import { parsePrefix } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { createTailnet } from "#tailnets/commands.ts";
import { userIn } from "#users/commands.ts";
import type { NodeId, UserId } from "#world/ids.ts";
import {
  autoApproveAll,
  concernsNode,
  deleteNode,
  disableExpiry,
  expireNode,
  parseTags,
  renameNode,
  reportHostinfo,
  setApprovedRoutes,
  setTags,
} from "./commands.ts";
import { addressesOf, isExpired } from "./node.ts";

const nobody = 99 as NodeId;
const routes = (...texts: string[]) => texts.map((text) => parsePrefix(text));

function lab() {
  const server = new Server();
  const alice = server.user("alice");
  const node = server.join(alice, { Hostname: "Box" });
  return { server, alice, node };
}
const kinds = (server: Server) => server.lastChanges.map(({ kind }) => kind);

describe("every command about a node", () => {
  test.for([
    renameNode(nobody, "x"),
    setTags(nobody, ["tag:a"]),
    setApprovedRoutes(nobody, []),
    expireNode(nobody, undefined),
    disableExpiry(nobody),
    deleteNode(nobody),
    reportHostinfo(nobody, {}),
  ])("refuses one that is not there (%#)", (command) => {
    expect(refusalOf(() => new Server().run(command as never))).toBe("node-not-found");
  });
});

describe("renameNode", () => {
  test("gives exactly the name asked for, and hosts no longer change it", () => {
    const { server, node } = lab();
    expect(server.run(renameNode(node.id, "db-1"))).toMatchObject({ name: "db-1", renamed: true, hostname: "Box" });
    server.run(reportHostinfo(node.id, { Hostname: "other" }));
    expect(server.node(node.id)).toMatchObject({ name: "db-1", hostname: "other" });
  });

  test("to its own name still makes it the administrator's", () => {
    const { server, node } = lab();
    expect(server.run(renameNode(node.id, "box")).renamed).toBe(true);
    server.run(renameNode(node.id, "box"));
    expect(kinds(server)).toEqual([]);
  });

  test.for(["", "DB", "a.b", "a_b", "-a", "a-", "x".repeat(64), "a b", "ä"])(
    "refuses %j, which is no label",
    (name) => {
      const { server, node } = lab();
      expect(refusalOf(() => server.run(renameNode(node.id, name)))).toBe("name-invalid");
    },
  );

  test("refuses a name that another node of the tailnet has", () => {
    const { server, alice, node } = lab();
    server.join(alice, { Hostname: "db" });
    expect(refusalOf(() => server.run(renameNode(node.id, "db")))).toBe("name-taken");
  });

  test("does not mind a node of that name in another tailnet", () => {
    const { server, node } = lab();
    const other = server.run(createTailnet("lab"));
    server.join(userIn(server.world, other.defaultOwner as UserId), { Hostname: "db" });
    expect(refusalOf(() => server.run(renameNode(node.id, "db")))).toBe("accepted");
  });

  test("refuses a name with which the whole would be longer than clients read", () => {
    const { server, node } = lab();
    // 63 + 1 + 189 + final dot = 254, the longest.
    const domain = `${"d".repeat(61)}.${"d".repeat(63)}.${"d".repeat(63)}`;
    server.settings = { ...server.settings, baseDomain: domain };
    expect(refusalOf(() => server.run(renameNode(node.id, "x".repeat(63))))).toBe("accepted");
    server.settings = { ...server.settings, baseDomain: `d${domain}` };
    expect(refusalOf(() => server.run(renameNode(node.id, "y".repeat(63))))).toBe("name-invalid");
    expect(refusalOf(() => server.run(renameNode(node.id, "y".repeat(62))))).toBe("accepted");
  });
});

describe("parseTags", () => {
  test("sorts, and keeps each once", () => {
    expect(parseTags(["tag:b", "tag:a", "tag:b"])).toEqual(["tag:a", "tag:b"]);
  });

  test.for(["tag:web", "tag:Web", "tag:a1-b.c"])("takes %s, as policies do", (tag) => {
    expect(parseTags([tag])).toEqual([tag]);
  });

  test.for(["", "web", "tag:", "tag:1", "tag:-a", "tag:a b", "tag:a\n", "TAG:a", "tag:ä", "tag:tag:a"])(
    "refuses %j",
    (tag) => {
      expect(refusalOf(() => parseTags(["tag:ok", tag]))).toBe("tag-invalid");
    },
  );
});

describe("setTags", () => {
  test("hands a node over to its tags: no user, no expiry", () => {
    const { server, node } = lab();
    server.definedTags.add("tag:web").add("tag:db");
    server.run(expireNode(node.id, server.now + 1000));
    const tagged = server.run(setTags(node.id, ["tag:web", "tag:db"]));
    expect(tagged.owner).toEqual({ kind: "tags", tags: ["tag:db", "tag:web"] });
    expect(tagged).not.toHaveProperty("expiry");
  });

  test.for([
    { says: "no tag at all", tags: [], code: "tag-invalid" },
    { says: "a tag that the policy does not define", tags: ["tag:web", "tag:other"], code: "tag-not-permitted" },
    { says: "what is no tag", tags: ["web"], code: "tag-invalid" },
  ])("refuses $says", ({ tags, code }) => {
    const { server, node } = lab();
    server.definedTags.add("tag:web");
    expect(refusalOf(() => server.run(setTags(node.id, tags)))).toBe(code);
  });
});

describe("setApprovedRoutes", () => {
  test.for([
    {
      says: "sorts them and keeps each once",
      asked: ["10.1.0.0/16", "10.0.0.0/24", "10.1.0.0/16"],
      gets: ["10.0.0.0/24", "10.1.0.0/16"],
    },
    { says: "takes one exit route for both", asked: ["0.0.0.0/0"], gets: ["0.0.0.0/0", "::/0"] },
    {
      says: "takes the other exit route for both",
      asked: ["::/0", "10.0.0.0/24"],
      gets: ["0.0.0.0/0", "10.0.0.0/24", "::/0"],
    },
    { says: "does not take a wide route for an exit", asked: ["0.0.0.0/1"], gets: ["0.0.0.0/1"] },
    { says: "takes none", asked: [], gets: [] },
  ])("$says", ({ asked, gets }) => {
    const { server, node } = lab();
    expect(server.run(setApprovedRoutes(node.id, routes(...asked))).approvedRoutes).toEqual(gets);
  });

  test("replaces the whole set, and says nothing when it is the same", () => {
    const { server, node } = lab();
    server.run(setApprovedRoutes(node.id, routes("10.0.0.0/24", "10.1.0.0/16")));
    server.run(setApprovedRoutes(node.id, routes("10.1.0.0/16")));
    expect(server.node(node.id)?.approvedRoutes).toEqual(["10.1.0.0/16"]);
    server.run(setApprovedRoutes(node.id, routes("10.1.0.0/16")));
    expect(kinds(server)).toEqual([]);
  });
});

describe("expireNode and disableExpiry", () => {
  test("end the key now, later, or never", () => {
    const { server, node } = lab();
    expect(isExpired(server.run(expireNode(node.id, undefined)), server.now)).toBe(true);
    expect(kinds(server)).toEqual(["node-expired"]);
    const later = server.run(expireNode(node.id, server.now + 1));
    expect([isExpired(later, server.now), isExpired(later, server.now + 1)]).toEqual([false, true]);
    expect(kinds(server)).toEqual(["node-expiry-set"]);
    expect(server.run(disableExpiry(node.id))).not.toHaveProperty("expiry");
    server.run(disableExpiry(node.id));
    expect(kinds(server)).toEqual([]);
  });

  test.for([-1, -1e15, 253_402_300_800_000, 1e18, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuse the moment %d, which would make the maps of all peers unreadable",
    (at) => {
      const { server, node } = lab();
      expect(refusalOf(() => server.run(expireNode(node.id, at)))).toBe("argument-invalid");
    },
  );
});

describe("deleteNode", () => {
  test("frees its name and addresses, not its id", () => {
    const { server, alice, node } = lab();
    server.run(deleteNode(node.id));
    for (const addr of addressesOf(node)) expect(server.world.index.nodeByAddr.has(addr)).toBe(false);
    expect(server.join(alice, { Hostname: "Box" })).toMatchObject({ id: node.id + 1, name: "box" });
  });
});

describe("reportHostinfo", () => {
  test("lets the label follow the host's name", () => {
    const { server, alice, node } = lab();
    server.join(alice, { Hostname: "db" });
    server.run(reportHostinfo(node.id, { Hostname: "DB" }));
    expect(server.node(node.id)).toMatchObject({ hostname: "DB", name: "db-1" });
  });

  test("keeps a label that fits already, though another node would be in the way", () => {
    const { server, node } = lab();
    server.run(reportHostinfo(node.id, { Hostname: "BOX" }));
    expect(server.node(node.id)).toMatchObject({ hostname: "BOX", name: "box" });
  });

  test.for([{}, { Hostname: "" }, { Hostname: "Box" }])("makes nothing of %o", (hostinfo) => {
    const { server, node } = lab();
    server.run(reportHostinfo(node.id, hostinfo));
    expect(kinds(server)).toEqual([]);
  });

  test("approves what the policy approves by itself, and takes nothing away", () => {
    const { server, node } = lab();
    server.run(setApprovedRoutes(node.id, routes("10.9.0.0/16")));
    server.judge = { autoApproved: (_node, announced) => announced.filter((route) => route.startsWith("10.")) };
    const RoutableIPs = ["10.0.0.0/24", "192.168.0.0/24", "not a route", "10.0.0.1/24"];
    server.run(reportHostinfo(node.id, { Hostname: "Box", RoutableIPs }));
    expect(server.node(node.id)?.approvedRoutes).toEqual(["10.0.0.0/24", "10.9.0.0/16"]);
    expect(kinds(server)).toEqual(["routes-auto-approved"]);
    server.run(reportHostinfo(node.id, { Hostname: "Box", RoutableIPs: [] }));
    expect(server.node(node.id)?.approvedRoutes).toHaveLength(2);
  });
});

describe("autoApproveAll", () => {
  test("asks about what each node announces now, and passes over nodes that are gone", () => {
    const { server, node } = lab();
    server.hostinfo = { RoutableIPs: ["10.0.0.0/24"] };
    server.judge = { autoApproved: (_node, announced) => announced };
    expect(server.run(autoApproveAll([nobody, node.id]))).toBe(1);
    expect(server.node(node.id)?.approvedRoutes).toEqual(["10.0.0.0/24"]);
    expect(server.run(autoApproveAll([node.id]))).toBe(0);
  });
});

describe("concernsNode", () => {
  test.for([
    { says: "another name", before: {}, after: { Hostname: "x" }, is: true },
    { says: "the same name", before: {}, after: { Hostname: "Box" }, is: false },
    { says: "no name", before: { Hostname: "Box" }, after: {}, is: false },
    { says: "another route", before: {}, after: { RoutableIPs: ["10.0.0.0/8"] }, is: true },
    { says: "a route fewer", before: { RoutableIPs: ["10.0.0.0/8"] }, after: {}, is: true },
    {
      says: "the same routes",
      before: { RoutableIPs: ["10.0.0.0/8"] },
      after: { RoutableIPs: ["10.0.0.0/8"] },
      is: false,
    },
    { says: "another system", before: { OS: "linux" }, after: { OS: "windows" }, is: false },
  ])("to $says says $is", ({ before, after, is }) => {
    expect(concernsNode(lab().node, before, after)).toBe(is);
  });
});

describe("pools of addresses", () => {
  const pool =
    (...texts: string[]) =>
    () =>
      routes(...texts);
  test.for([
    {
      says: "number new nodes in their order",
      pools: pool("100.90.0.0/30", "100.91.0.0/30"),
      ipv4: ["100.90.0.1", "100.90.0.2", "100.91.0.1"],
    },
    {
      says: "outside of the server's own network are left alone",
      pools: pool("100.90.0.0/30"),
      prefix: "100.64.0.0/16",
      ipv4: ["100.64.0.1"],
    },
    { says: "for others change nothing", pools: pool(), ipv4: ["100.64.0.1", "100.64.0.2"] },
  ])("$says", ({ pools, prefix, ipv4 }) => {
    const server = new Server();
    server.judge = { addressPools: pools };
    if (prefix) server.settings = { ...server.settings, prefixes: { v4: parsePrefix(prefix) } };
    const alice = server.user("alice");
    expect(ipv4.map(() => server.join(alice).ipv4)).toEqual(ipv4);
  });

  test("that are full refuse the next node, and say so", () => {
    const server = new Server();
    server.judge = { addressPools: pool("100.90.0.0/30") };
    const alice = server.user("alice");
    for (const _ of [1, 2]) server.join(alice);
    expect(refusalOf(() => server.join(alice))).toBe("addresses-exhausted");
    expect(() => server.join(alice)).toThrow(/100\.90\.0\.0\/30: widen ipPool/);
  });

  test("do not move where the others go on", () => {
    const server = new Server();
    const [alice, bob] = [server.user("alice"), server.user("bob")];
    server.judge = {
      addressPools: ({ owner }) => (owner.kind === "user" && owner.userId === bob.id ? routes("100.90.0.0/24") : []),
    };
    expect([alice, bob, alice].map((user) => server.join(user).ipv4)).toEqual([
      "100.64.0.1",
      "100.90.0.1",
      "100.64.0.2",
    ]);
  });
});
