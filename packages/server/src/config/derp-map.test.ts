import { describe, expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";
import { DerpMapError, mergeDerpMaps, parseDerpMap } from "./derp-map.ts";

const yaml = `
regions:
  1: null
  900:
    regionid: 900
    regioncode: custom
    regionname: My Region
    nodes:
      - name: 900a
        regionid: 900
        hostname: myderp.example.com
        ipv4: 198.51.100.1
        ipv6: 2001:db8::1
        stunport: 0
        stunonly: false
        derpport: 0
`;
const json = JSON.stringify({
  Regions: {
    "1": {
      RegionID: 1,
      RegionCode: "nyc",
      RegionName: "New York",
      Latitude: 40.7,
      Nodes: [{ Name: "1f", RegionID: 1, HostName: "derp1f.example.com", CanPort80: true }],
    },
    "2": { RegionID: 2, RegionCode: "sfo", RegionName: "San Francisco", Nodes: [] },
  },
});
const node900 = {
  Name: "900a",
  RegionID: 900,
  HostName: "myderp.example.com",
  IPv4: "198.51.100.1",
  IPv6: "2001:db8::1",
  STUNPort: 0,
  STUNOnly: false,
  DERPPort: 0,
};

describe("parseDerpMap", () => {
  test("reads the YAML of derp.paths with lower-cased names", () => {
    const { regions } = parseDerpMap(yaml, "derp.yaml");
    expect(regions.get(900)).toEqual({
      RegionID: 900,
      RegionCode: "custom",
      RegionName: "My Region",
      Nodes: [node900],
    });
    expect(regions.has(1)).toBe(true);
    expect(regions.get(1)).toBeUndefined();
  });

  test("reads the JSON of derp.urls with Go's names", () => {
    expect(parseDerpMap(json, "map").regions.get(1)).toEqual({
      RegionID: 1,
      RegionCode: "nyc",
      RegionName: "New York",
      Latitude: 40.7,
      Nodes: [{ Name: "1f", RegionID: 1, HostName: "derp1f.example.com", CanPort80: true }],
    });
  });

  test("an empty file is an empty map", () => expect(parseDerpMap("", "x").regions.size).toBe(0));

  test.for([
    { says: "regions that are a list", text: "regions: [1]", code: "bad-map" },
    { says: "region 0", text: "regions: {0: null}", code: "bad-region" },
    { says: "a region id above 65535", text: "regions: {65536: null}", code: "bad-region" },
    { says: "a region id that is a word", text: "regions: {nyc: null}", code: "bad-region" },
    { says: "a region that contradicts its id", text: "regions: {900: {regionid: 901}}", code: "bad-region" },
    { says: "a region that is a word", text: "regions: {900: here}", code: "bad-region" },
    { says: "nodes that are a section", text: "regions: {900: {nodes: {a: b}}}", code: "bad-region" },
    { says: "a node without a host", text: "regions: {900: {nodes: [{name: a}]}}", code: "bad-node" },
    {
      says: "a port that is a word",
      text: "regions: {900: {nodes: [{hostname: a, derpport: https}]}}",
      code: "bad-node",
    },
    { says: "a node that is a word", text: "regions: {900: {nodes: [a]}}", code: "bad-node" },
  ])("refuses $says", ({ text, code }) => {
    expect(() => parseDerpMap(text, "derp.yaml")).toThrow(expect.objectContaining({ name: "DerpMapError", code }));
  });

  test("fails cleanly wherever the file is cut", () => {
    for (let length = 0; length < json.length; length++) {
      expect(() => {
        try {
          parseDerpMap(json.slice(0, length), "cut");
        } catch (error) {
          if (!(error instanceof DerpMapError || error instanceof ConfigError)) throw error;
        }
      }).not.toThrow();
    }
  });
});

describe("mergeDerpMaps", () => {
  const tailscale = parseDerpMap(json, "url");
  const own = parseDerpMap(yaml, "file");
  const embedded = { RegionID: 2, RegionCode: "headscale", RegionName: "Embedded", Nodes: [] };

  test("lets a later source replace regions, and null switch one off", () => {
    expect(Object.keys(mergeDerpMaps([tailscale, own]).Regions)).toEqual(["2", "900"]);
    expect(Object.keys(mergeDerpMaps([own, tailscale]).Regions)).toEqual(["1", "2", "900"]);
  });

  test("puts the built-in relay last", () => {
    expect(mergeDerpMaps([tailscale, own], embedded).Regions["2"]).toBe(embedded);
  });

  test("gives no two nodes one name, in whatever regions they are", () => {
    const twins = parseDerpMap(
      `regions: {900: {nodes: [{name: a, hostname: h}, {name: a, hostname: i}]}, 901: {nodes: [{name: a, hostname: j}]}}`,
      "x",
    );
    const { Regions } = mergeDerpMaps([twins]);
    const nodes = Object.values(Regions).flatMap((region) => region.Nodes);
    expect(nodes.map(({ Name }) => Name)).toEqual(["a", "a-900-2", "a-901-2"]);
    expect(nodes.map(({ HostName }) => HostName)).toEqual(["h", "i", "j"]);
  });

  test("gives the same bytes for the same regions in any order", () => {
    const without1 = parseDerpMap("regions: {1: null}", "x");
    expect(JSON.stringify(mergeDerpMaps([own, tailscale, without1]))).toBe(
      JSON.stringify(mergeDerpMaps([tailscale, own])),
    );
  });
});
