import type { DERPMap } from "@headscale/tailcfg";
import { describe, expect, test } from "vitest";
import { derpMapFor } from "./derp-map.ts";

const node = (over: object) => ({ Name: "900a", RegionID: 900, HostName: "derp.test", ...over });
const region = { RegionID: 900, RegionCode: "own", RegionName: "Own" };
const map: DERPMap = {
  HomeParams: { RegionScore: { "900": 0.5 } },
  Regions: {
    "900": {
      ...region,
      NoMeasureNoHome: true,
      Nodes: [node({ CertName: "sha256-raw:ab" }), node({ Name: "900b", CertName: "other.test" })],
    },
  },
};

describe("derpMapFor", () => {
  test.for([0, 116, 145])("is the map itself for version %d", (version) => {
    expect(derpMapFor(map, version)).toBe(map);
  });

  test("tells 1.82, which takes a pin for a host name, not to verify there", () => {
    const { Regions, HomeParams } = derpMapFor(map, 115);
    expect(Regions["900"]?.Nodes).toEqual([
      node({ InsecureForTests: true }),
      node({ Name: "900b", CertName: "other.test" }),
    ]);
    expect(HomeParams).toEqual(map.HomeParams);
    expect(Regions["900"]).not.toHaveProperty("Avoid");
  });

  test("tells 1.80, which does not know the newer word, to avoid a region that is no home", () => {
    expect(derpMapFor(map, 114).Regions["900"]).toMatchObject({ Avoid: true, NoMeasureNoHome: true });
    const plain = { Regions: { "900": { ...region, Nodes: [] } } };
    expect(derpMapFor(plain, 113)).toEqual(plain);
  });
});
