import { describe, expect, test } from "vitest";
import type { EmbeddedRelayConfig } from "#config/section/derp.ts";
import { embeddedRegion, pinnedName } from "./embedded-region.ts";

const relay: EmbeddedRelayConfig = {
  regionId: 999,
  regionCode: "own",
  regionName: "Own",
  verifyClients: true,
  stunListen: [],
  privateKeyPath: "",
  addToMap: true,
  ipv4: undefined,
  ipv6: undefined,
};
const pin = `sha256-raw:${"0".repeat(64)}`;

describe("embeddedRegion", () => {
  test.for([
    {
      says: "a name with a public certificate",
      place: { host: "hs.test", port: 443, pin: undefined, stunPort: 3478 },
      is: { HostName: "hs.test", STUNPort: 3478 },
    },
    {
      says: "a name on another port",
      place: { host: "hs.test", port: 8443, pin: undefined, stunPort: 3478 },
      is: { HostName: "hs.test", DERPPort: 8443, STUNPort: 3478 },
    },
    {
      says: "a name and plain HTTP",
      place: { host: "hs.test", port: 8080, pin, stunPort: 3478 },
      is: { HostName: "hs.test", CertName: pin, DERPPort: 8080, STUNPort: 3478 },
    },
    {
      says: "an IPv4 address and plain HTTP",
      place: { host: "10.0.0.1", port: 8080, pin, stunPort: 3478 },
      is: { HostName: "10.0.0.1", IPv4: "10.0.0.1", IPv6: "none", CertName: pin, DERPPort: 8080, STUNPort: 3478 },
    },
    {
      says: "an IPv6 address and plain HTTP, by a name that fits into any client's URL",
      place: { host: "fd00::1", port: 8080, pin, stunPort: 3478 },
      is: {
        HostName: "headscale-relay.invalid",
        IPv4: "none",
        IPv6: "fd00::1",
        CertName: pin,
        DERPPort: 8080,
        STUNPort: 3478,
      },
    },
    {
      says: "an IPv6 address with a public certificate",
      place: { host: "2001:db8::1", port: 443, pin: undefined, stunPort: 3478 },
      is: { HostName: "[2001:db8::1]", IPv4: "none", IPv6: "2001:db8::1", STUNPort: 3478 },
    },
    {
      says: "STUN nowhere",
      place: { host: "hs.test", port: 443, pin: undefined, stunPort: undefined },
      is: { HostName: "hs.test", STUNPort: -1 },
    },
  ])("tells clients of $says", ({ place, is }) => {
    const { Nodes, ...region } = embeddedRegion(relay, place);
    expect(region).toEqual({ RegionID: 999, RegionCode: "own", RegionName: "Own" });
    expect(Nodes).toEqual([{ Name: "999", RegionID: 999, ...is }]);
  });

  test("says addresses that were written down beside any name", () => {
    const place = { host: "hs.test", port: 443, pin: undefined, stunPort: 3478 };
    const [node] = embeddedRegion({ ...relay, ipv4: "192.0.2.1", ipv6: "2001:db8::1" }, place).Nodes;
    expect(node).toMatchObject({ IPv4: "192.0.2.1", IPv6: "2001:db8::1" });
  });

  test("goes by the name that its self-made certificate is for", () => {
    for (const host of ["hs.test", "10.0.0.1", "fd00::1"]) {
      const [node] = embeddedRegion(relay, { host, port: 8080, pin, stunPort: 3478 }).Nodes;
      expect(node?.HostName).toBe(pinnedName(host));
    }
  });
});
