import type { DERPMap } from "@headscale/tailcfg";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "#syntax/parse-policy.ts";
import { PolicyError } from "../policy-error.ts";
import { derpMapUnder } from "./derp-map.ts";

const region = (id: number, HostName: string) => ({
  RegionID: id,
  RegionCode: String(id),
  RegionName: String(id),
  Nodes: [{ Name: `${id}a`, RegionID: id, HostName }],
});
const base: DERPMap = { Regions: { 1: region(1, "one.server"), 2: region(2, "two.server") } };
const own = { RegionID: 900, Nodes: [{ HostName: "own.test" }] };
const withMap = (derpMap: object) => parsePolicy(JSON.stringify({ derpMap }));

describe("derpMapUnder", () => {
  test.for([
    { says: "adds a region", map: { Regions: { 900: own } }, hosts: ["one.server", "two.server", "own.test"] },
    { says: "replaces a region", map: { Regions: { 1: { nodes: [{ hostname: "x" }] } } }, hosts: ["x", "two.server"] },
    { says: "takes a region away", map: { Regions: { 1: null } }, hosts: ["two.server"] },
    { says: "does not mind one that is not there", map: { Regions: { 7: null } }, hosts: ["one.server", "two.server"] },
    {
      says: "omits the server's regions",
      map: { OmitDefaultRegions: true, Regions: { 900: own, 1: null } },
      hosts: ["own.test"],
    },
    {
      says: "keeps the server's regions where it has none of its own",
      map: { omitdefaultregions: true, Regions: {} },
      hosts: ["one.server", "two.server"],
    },
  ])("$says", ({ map, hosts }) => {
    const { Regions } = derpMapUnder(withMap(map), base);
    expect(Object.values(Regions).flatMap(({ Nodes }) => Nodes.map(({ HostName }) => HostName))).toEqual(hosts);
  });

  test("names what the policy leaves unnamed, and carries over what it says", () => {
    const node = { Name: "n", HostName: "h", IPv4: "192.0.2.1", STUNPort: -1, DERPPort: 8443, CanPort80: true };
    const policy = withMap({ Regions: { 900: { RegionName: "Home", Avoid: true, Nodes: [node, { HostName: "i" }] } } });
    expect(derpMapUnder(policy, base).Regions[900]).toEqual({
      RegionID: 900,
      RegionCode: "900",
      RegionName: "Home",
      Avoid: true,
      Nodes: [
        { ...node, RegionID: 900 },
        { Name: "900b", RegionID: 900, HostName: "i" },
      ],
    });
  });

  test("draws clients to a region by its score", () => {
    const policy = withMap({ HomeParams: { RegionScore: { 2: 0.5 } } });
    expect(derpMapUnder(policy, base)).toEqual({ ...base, HomeParams: { RegionScore: { 2: 0.5 } } });
  });

  test("is the server's own object without a say of the policy", () => {
    expect(derpMapUnder(undefined, base)).toBe(base);
    expect(derpMapUnder(parsePolicy("{}"), base)).toBe(base);
  });

  test("warns of a wish for no relays at all", () => {
    expect(withMap({ OmitDefaultRegions: true, Regions: { 1: null } }).warnings).toMatchObject([
      { message: "derpMap: OmitDefaultRegions has no effect without a region in Regions" },
    ]);
  });

  test.for([
    [[], "derpMap: expected an object"],
    [{ Regionz: {} }, 'unknown field: "Regionz"'],
    [{ Regions: { "0": null } }, 'derpMap.Regions: "0" is no region id; it is a whole number from 1'],
    [{ Regions: { "1e3": null } }, 'derpMap.Regions: "1e3" is no region id; it is a whole number from 1'],
    [{ Regions: { 5: {} } }, "derpMap.Regions[5]: a region needs at least one node; null takes it away"],
    [{ Regions: { 5: { ...own } } }, "derpMap.Regions[5]: RegionID must be 5"],
    [{ Regions: { 5: { Nodes: [{}] } } }, "derpMap.Regions[5].Nodes[0]: HostName is missing"],
    [
      { Regions: { 5: { Nodes: [{ HostName: "h", RegionID: 6 }] } } },
      "derpMap.Regions[5].Nodes[0]: RegionID must be 5",
    ],
    [{ Regions: { 5: { Nodes: "h" } } }, "derpMap.Regions[5].Nodes: expected a list"],
    [{ Regions: { 5: { Nodes: [{ HostName: "h", STUNPort: "3478" }] } } }, /STUNPort: expected a number$/],
    [{ Regions: { 5: { Nodes: [{ HostName: "h", DERPPort: 65536 }] } } }, /DERPPort: not a port from 1 to 65535/],
    [{ HomeParams: { RegionScore: { 1: 0 } } }, "derpMap: a RegionScore must be above 0"],
  ] as const)("refuses %j", ([derpMap, message]) => {
    expect(() => withMap(derpMap)).toThrow(PolicyError);
    expect(() => withMap(derpMap)).toThrow(message);
  });
});
