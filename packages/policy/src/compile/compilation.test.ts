import type { Addr, Prefix } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "#syntax/parse-policy.ts";
import { compilePolicy } from "../compile-policy.ts";
import type { PolicyNode, PolicyUser } from "../engine.ts";
import { updatePolicy } from "../update-policy.ts";

const users: PolicyUser[] = [
  { id: 1, loginName: "ana@corp.test", roles: ["owner", "admin"] },
  { id: 2, loginName: "ben@corp.test", name: "ben" },
  { id: 3, loginName: "eve@other.test", providerId: "https://idp.test/eve" },
];

function node(id: number, rest: Partial<PolicyNode> = {}): PolicyNode {
  const addresses = { v4: `100.64.0.${id}` as Addr, v6: `fd7a:115c:a1e0::${id.toString(16)}` as Addr };
  return { id, tags: [], addresses, advertisedRoutes: [], approvedRoutes: [], ...rest };
}

function router(id: number, routes: string[], rest: Partial<PolicyNode> = {}): PolicyNode {
  return node(id, {
    tags: ["tag:gw"],
    advertisedRoutes: routes as Prefix[],
    approvedRoutes: routes as Prefix[],
    ...rest,
  });
}

const tagOwners = {
  "tag:gw": [],
  "tag:west": [],
  "tag:db": ["group:ops"],
  "tag:a": ["ben@corp.test"],
  "tag:b": ["tag:a"],
  "tag:self": ["tag:self"],
};
const base = { groups: { "group:ops": ["ana@corp.test"] }, tagOwners };
const settings = { serverUrl: "https://hs.test" };

function compiled(policy: object | undefined, nodes: readonly PolicyNode[], extra: object = {}) {
  const parsed = policy === undefined ? undefined : parsePolicy(JSON.stringify({ ...base, ...policy }));
  return compilePolicy({ policy: parsed, users, nodes, settings, ...extra });
}

/** The worked example of the design: two users, two routers of one subnet, a database. */
const example = {
  nodes: [
    node(1, { userId: 1 }),
    node(3, { userId: 1 }),
    node(5, { userId: 2 }),
    router(7, ["10.20.0.0/16"]),
    router(9, ["10.20.0.0/16"], { tags: ["tag:gw", "tag:west"] }),
    node(11, { tags: ["tag:db"] }),
  ],
  policy: {
    grants: [
      { src: ["autogroup:member"], dst: ["autogroup:self"], ip: ["*"] },
      { src: ["group:ops"], dst: ["tag:db", "10.20.5.0/24"], ip: ["tcp:5432"] },
      { src: ["ben@corp.test"], dst: ["10.20.0.0/16"], ip: ["*"], via: ["tag:west"] },
      { src: ["*"], dst: ["tag:db"], app: { "example.com/cap/report": [{ level: 1 }] } },
    ],
  },
};

describe("the worked example", () => {
  const live = compiled(example.policy, example.nodes);

  test("delivers to each node what concerns it", () => {
    const any = { First: 0, Last: 65535 };
    const ana = ["100.64.0.1", "100.64.0.3", "fd7a:115c:a1e0::1", "fd7a:115c:a1e0::3"];
    const pg = { First: 5432, Last: 5432 };
    expect(live.filterRules(1)).toEqual([
      {
        SrcIPs: ana,
        DstPorts: [
          { IP: "100.64.0.1", Ports: any },
          { IP: "fd7a:115c:a1e0::1", Ports: any },
        ],
      },
    ]);
    expect(live.filterRules(7)).toEqual([{ SrcIPs: ana, DstPorts: [{ IP: "10.20.5.0/24", Ports: pg }], IPProto: [6] }]);
    expect(live.filterRules(9)).toEqual([
      { SrcIPs: ana, DstPorts: [{ IP: "10.20.5.0/24", Ports: pg }], IPProto: [6] },
      { SrcIPs: ["100.64.0.5", "fd7a:115c:a1e0::5"], DstPorts: [{ IP: "10.20.0.0/16", Ports: any }] },
    ]);
    expect(live.filterRules(11)[1]).toEqual({
      SrcIPs: ["100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255", "fd7a:115c:a1e0::/48", "10.20.0.0/16"],
      CapGrant: [
        { Dsts: ["100.64.0.11/32", "fd7a:115c:a1e0::b/128"], CapMap: { "example.com/cap/report": [{ level: 1 }] } },
      ],
    });
  });

  test("shows ben the western router alone, and everybody the database", () => {
    expect(live.peersOf(5).filter((id) => id !== 5)).toEqual([9, 11]);
    expect(live.peersOf(1).filter((id) => id !== 1)).toEqual([3, 7, 9, 11]);
    expect(live.canSee(5, 7)).toBe(false);
  });

  test("steers ben through the western router and everybody else through the primary", () => {
    expect(live.routesFor(1, 7)).toEqual({ allowed: ["10.20.0.0/16"], primary: ["10.20.0.0/16"] });
    expect(live.routesFor(1, 9).allowed).toEqual([]);
    expect(live.routesFor(5, 9).primary).toEqual(["10.20.0.0/16"]);
    expect(live.routesFor(11, 7).allowed).toEqual(["10.20.0.0/16"]);
    expect(live.selfRoutes(9)).toEqual({ allowed: ["10.20.0.0/16"], primary: [] });
  });

  test("moves the route when the primary cannot be reached, and says to whom", () => {
    const { next, affected } = updatePolicy(live, { putNodes: [router(7, ["10.20.0.0/16"], { unreachable: true })] });
    expect(next.routesFor(1, 9).primary).toEqual(["10.20.0.0/16"]);
    expect(affected.routes.get(1)).toEqual([7, 9]);
    expect(affected.routes.has(5)).toBe(false);
    expect(affected.selfRoutes).toEqual([7, 9]);
    expect(affected.filters).toEqual([]);
  });

  test("keeps an elected primary although another router has the lower id", () => {
    const elected = updatePolicy(live, {
      putNodes: [{ ...example.nodes[4]!, primaryFor: ["10.20.0.0/16" as Prefix] }],
    }).next;
    expect(elected.routesFor(1, 9).primary).toEqual(["10.20.0.0/16"]);
  });
});

describe("without a policy", () => {
  const nodes = [node(1, { userId: 1 }), node(2, { userId: 2 }), node(3, { tags: ["tag:db"] })];
  const live = compiled(undefined, nodes);

  test("everybody sees everybody, and shares one list and one filter", () => {
    expect(live.peersOf(1)).toEqual([1, 2, 3]);
    expect(live.peersOf(2)).toBe(live.peersOf(1));
    expect(live.packetFilters(3)).toBe(live.packetFilters(1));
  });

  test("the filter lets in the tailnet, not the world", () => {
    expect(live.packetFilters(1)).toEqual({
      base: [
        {
          SrcIPs: ["100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255", "fd7a:115c:a1e0::/48"],
          DstPorts: [{ IP: "*", Ports: { First: 0, Last: 65535 } }],
        },
      ],
    });
  });

  test("a node that joins is new to everybody and changes no filter", () => {
    const { next, affected } = updatePolicy(live, { putNodes: [node(4, { userId: 2 })] });
    expect(affected.filters).toEqual([]);
    expect([...affected.peers]).toEqual([1, 2, 3].map((id) => [id, { added: [4], removed: [] }]));
    expect(affected.peers.get(1)).toBe(affected.peers.get(2));
    expect(next.peersOf(4)).toBe(next.peersOf(1));
    expect(next.packetFilters(4)).toEqual(next.packetFilters(1));
    expect(live.peersOf(1)).toEqual([1, 2, 3]);
  });

  test("unknown nodes get empty answers", () => {
    expect(live.packetFilters(99)).toEqual({ base: [] });
    expect(live.peersOf(99)).toEqual([]);
    expect(live.routesFor(1, 99)).toEqual({ allowed: [], primary: [] });
    expect(live.visibleAddresses(99)).toEqual([]);
  });

  test("an empty list of rules allows nothing", () => {
    const closed = compiled({ grants: [] }, nodes);
    expect(closed.packetFilters(1)).toEqual({ base: [] });
    expect(closed.peersOf(1)).toEqual([]);
  });
});

describe("attributes", () => {
  test("follow targets, roles and settings", () => {
    const nodes = [
      node(1, { userId: 1, os: "macOS" }),
      node(2, { userId: 2, os: "linux" }),
      node(3, { tags: ["tag:db"] }),
    ];
    const policy = {
      randomizeClientPort: true,
      OneCGNATRoute: "mac-never",
      nodeAttrs: [
        { target: ["ben@"], attr: ["funnel", "x"] },
        { target: ["tag:db"], attr: ["disable-ipv4"], app: { "tailscale.com/app-connectors": [{ name: "a" }] } },
      ],
    };
    const live = compiled(policy, nodes);
    expect(live.selfCapabilities(1)).toEqual({
      "randomize-client-port": null,
      "one-cgnat?v=false": null,
      "https://tailscale.com/cap/is-admin": null,
      "https://tailscale.com/cap/is-owner": null,
    });
    expect(Object.keys(live.selfCapabilities(2)).sort()).toEqual([
      "funnel",
      "https://tailscale.com/cap/funnel-ports?ports=443,8443,10000",
      "https://tailscale.com/cap/warn-funnel-no-https",
      "randomize-client-port",
      "x",
    ]);
    expect(live.selfCapabilities(3)).toMatchObject({ "tailscale.com/app-connectors": [{ name: "a" }] });
    expect(live.visibleAddresses(3)).toEqual(["fd7a:115c:a1e0::3"]);
    expect(compiled({ disableIPv4: true }, nodes).visibleAddresses(1)).toEqual(["fd7a:115c:a1e0::1"]);
  });

  test("mark approved exit nodes for their peers", () => {
    const live = compiled(undefined, [node(1, { userId: 1 }), router(2, ["0.0.0.0/0", "::/0"])]);
    expect(live.peerCapabilities(2)).toEqual({ "suggest-exit-node": null });
    expect(live.peerCapabilities(1)).toEqual({});
    expect(live.routesFor(1, 2)).toEqual({ allowed: ["0.0.0.0/0", "::/0"], primary: [] });
  });
});

describe("exit nodes", () => {
  const nodes = [node(1, { userId: 1 }), node(2, { userId: 2 }), router(3, ["0.0.0.0/0", "::/0"])];
  const live = compiled({ acls: [{ action: "accept", src: ["ana@corp.test"], dst: ["autogroup:internet:*"] }] }, nodes);

  test("offer their routes to those whom a rule opens the internet, and to nobody else", () => {
    expect(live.routesFor(1, 3).allowed).toEqual(["0.0.0.0/0", "::/0"]);
    expect(live.canSee(2, 3)).toBe(false);
  });

  test("let their users out to every public address, the first ones included", () => {
    const texts = live.filterRules(3)[0]?.DstPorts?.map(({ IP }) => IP);
    expect(texts).toContain("0.0.0.0-9.255.255.255");
    expect(texts).toContain("2000::/3");
  });
});

describe("postures", () => {
  const policy = {
    postures: {
      "posture:new": ["node:os IN ['macos', 'linux']", "node:tsVersion >= '1.80'"],
      "posture:any": ["custom:x IS SET"],
    },
    acls: [{ action: "accept", src: ["autogroup:member"], dst: ["tag:db:22"], srcPosture: ["posture:new"] }],
  };
  const device = (id: number, attributes: PolicyNode["attributes"], os = "macOS") =>
    node(id, { userId: 1, os, attributes: attributes ?? {} });

  test("leave only the devices that satisfy them among the sources", () => {
    const nodes = [
      device(1, { "node:tsVersion": "1.80.2" }),
      device(2, { "node:tsVersion": "1.9.0" }),
      device(3, { "node:tsVersion": "1.90" }, "windows"),
      device(4, {}),
      node(9, { tags: ["tag:db"] }),
    ];
    const live = compiled(policy, nodes);
    expect(live.filterRules(9)[0]?.SrcIPs).toEqual(["100.64.0.1", "fd7a:115c:a1e0::1"]);
    const { affected, next } = updatePolicy(live, { putNodes: [device(2, { "node:tsVersion": "1.82" })] });
    expect(affected.filters).toEqual([9]);
    expect(affected.peers.get(2)).toEqual({ added: [9], removed: [] });
    expect(next.filterRules(9)[0]?.SrcIPs).toEqual(["100.64.0.1-100.64.0.2", "fd7a:115c:a1e0::1-fd7a:115c:a1e0::2"]);
  });

  test("of the default give way to those of a rule", () => {
    const both = {
      ...policy,
      defaultSrcPosture: ["posture:any"],
      grants: [{ src: ["ben@corp.test"], dst: ["tag:db"], ip: ["80"] }],
    };
    const nodes = [
      node(5, { userId: 2 }),
      node(6, { userId: 2, attributes: { "custom:x": 0 } }),
      node(9, { tags: ["tag:db"] }),
    ];
    expect(compiled(both, nodes).filterRules(9)).toMatchObject([{ SrcIPs: ["100.64.0.6", "fd7a:115c:a1e0::6"] }]);
  });
});

describe("services", () => {
  const services = [{ name: "svc:web", addresses: ["100.64.9.9"] as Addr[] }];
  const nodes = [
    node(1, { userId: 1 }),
    node(2, { tags: ["tag:db"], services: ["svc:web"] }),
    node(3, { tags: ["tag:db"] }),
  ];
  const policy = {
    acls: [{ action: "accept", src: ["ana@corp.test"], dst: ["svc:web:443"] }],
    autoApprovers: { services: { "svc:web": ["tag:db"] } },
  };
  const live = compiled(policy, nodes, { services });

  test("are reached through their hosts", () => {
    expect(live.filterRules(2)[0]?.DstPorts).toEqual([{ IP: "100.64.9.9", Ports: { First: 443, Last: 443 } }]);
    expect(live.filterRules(3)).toEqual([]);
    expect(live.peersOf(1)).toEqual([2]);
  });

  test("may be hosted by those whom the policy approves", () => {
    expect(live.mayHostService(nodes[2]!, "svc:web")).toBe(true);
    expect(live.mayHostService(nodes[0]!, "svc:web")).toBe(false);
    expect(live.mayHostService(nodes[2]!, "svc:other")).toBe(false);
  });

  test("take their hosts' rules along when a host comes or goes", () => {
    const { affected } = updatePolicy(live, { putNodes: [{ ...nodes[2]!, services: ["svc:web"] }] });
    expect(affected.filters).toEqual([3]);
    expect(affected.peers.get(1)).toEqual({ added: [3], removed: [] });
  });
});

describe("approvals", () => {
  const policy = {
    autoApprovers: {
      routes: { "10.0.0.0/8": ["tag:gw"], "0.0.0.0/0": ["ben@corp.test"], "fd00::/8": ["group:ops"] },
      exitNode: ["tag:west"],
    },
  };
  const live = compiled(policy, []);
  const asks = (rest: Partial<PolicyNode>, ...routes: string[]) =>
    live.autoApprovedRoutes(node(1, { ...rest, advertisedRoutes: routes as Prefix[] }));

  test("go to routes inside a listed one, by tag or owner", () => {
    expect(asks({ tags: ["tag:gw"] }, "10.1.0.0/16", "10.0.0.0/8", "192.168.0.0/16")).toEqual([
      "10.1.0.0/16",
      "10.0.0.0/8",
    ]);
    expect(asks({ userId: 1 }, "fd00:1::/64", "10.1.0.0/16")).toEqual(["fd00:1::/64"]);
    expect(asks({ userId: 1, tags: ["tag:db"] }, "fd00:1::/64")).toEqual([]);
  });

  test("of exit routes depend on exitNode alone", () => {
    expect(asks({ userId: 2 }, "0.0.0.0/0", "192.168.0.0/16")).toEqual(["192.168.0.0/16"]);
    expect(asks({ tags: ["tag:west"] }, "0.0.0.0/0", "::/0", "10.0.0.0/8")).toEqual(["0.0.0.0/0", "::/0"]);
  });
});

describe("addressPools", () => {
  const entry = (target: string[], ...ipPool: string[]) => ({ target, ipPool });
  const live = compiled(
    {
      nodeAttrs: [
        entry(["group:ops"], "100.90.0.0/24"),
        entry(["*"], "100.91.0.0/24"),
        entry(["tag:db"], "100.92.0.0/24"),
      ],
    },
    [],
  );

  test.for([
    [{ userId: 1 }, ["100.90.0.0/24", "100.91.0.0/24"]],
    [{ userId: 2 }, ["100.91.0.0/24"]],
    [{ tags: ["tag:db"] }, ["100.91.0.0/24", "100.92.0.0/24"]],
  ] as const)("of %j are %j", ([rest, pools]) => {
    const { tags, ...owner } = { tags: [], ...rest };
    expect(live.addressPools(node(50, { ...owner, tags: [...tags] }))).toEqual(pools);
  });
});

describe("mayAssignTag", () => {
  const live = compiled({}, []);

  test.for([
    [{ userId: 1 }, "tag:gw", true], // an owner may everything
    [{ userId: 2 }, "tag:gw", false],
    [{ userId: 2 }, "tag:a", true],
    [{ userId: 2 }, "tag:b", true], // through tag:a
    [{ userId: 3 }, "tag:a", false],
    [{ userId: 2 }, "tag:none", false],
    [{ userId: 99 }, "tag:a", false],
    [{ tags: ["tag:a"] }, "tag:b", true],
    [{ tags: ["tag:b"] }, "tag:a", false],
    [{ tags: ["tag:b"] }, "tag:b", true],
    [{ tags: ["tag:x"] }, "tag:self", false],
  ] as const)("says of %j and %s: %s", ([who, tag, may]) => {
    expect(live.mayAssignTag(who, tag)).toBe(may);
  });

  test("knows the declared tags", () => {
    expect([...live.definedTags]).toEqual(Object.keys(tagOwners));
  });
});

describe("users", () => {
  const acls = (...src: string[]) => ({ acls: [{ action: "accept", src, dst: ["*:*"] }] });
  const nodes = [node(1, { userId: 1 }), node(2, { userId: 2 }), node(3, { userId: 3 })];

  test.for([
    ["ana@corp.test", "100.64.0.1"],
    ["ben@", "100.64.0.2"],
    ["https://idp.test/eve@", "100.64.0.3"],
    ["user:*@other.test", "100.64.0.3"],
    ["autogroup:owner", "100.64.0.1"],
  ] as const)("are found as %s", ([text, addr]) => {
    expect(compiled(acls(text), nodes).filterRules(1)[0]?.SrcIPs[0]).toBe(addr);
  });

  test("nobody is meant by a name that two users have", () => {
    const twins = [...users, { id: 4, loginName: "ben@else.test", name: "ben" }];
    expect(compiled(acls("ben@"), nodes, { users: twins }).filterRules(1)).toEqual([]);
  });

  test("who take a name that another goes by end what that name gave the other", () => {
    const live = compiled(acls("ben@"), nodes);
    const { affected, next } = updatePolicy(live, { putUsers: [{ id: 4, loginName: "ben@else.test", name: "ben" }] });
    expect(next.filterRules(1)).toEqual([]);
    expect(affected.filters).toEqual([1, 2, 3]);
  });

  test("of other tailnets are no members", () => {
    const shared = users.map((user) => (user.id === 3 ? { ...user, shared: true } : user));
    const live = compiled(acls("autogroup:shared"), nodes, { users: shared });
    expect(live.filterRules(1)[0]?.SrcIPs).toEqual(["100.64.0.3", "fd7a:115c:a1e0::3"]);
    expect(compiled(acls("autogroup:member"), nodes, { users: shared }).filterRules(1)[0]?.SrcIPs).toHaveLength(2);
  });
});
