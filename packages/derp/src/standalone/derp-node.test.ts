import { describe, expect, test } from "vitest";
import { derpNode } from "./derp-node.ts";
import { parseOptions } from "./options.ts";

const served = { pin: undefined, tlsPort: 443, stunPort: 3478 };
const nodeOf = (...args: string[]) => derpNode(parseOptions(args), served);

describe("derpNode", () => {
  test.for([
    { says: "a name", args: ["--hostname", "relay.test"], is: { HostName: "relay.test" } },
    {
      says: "an IPv4 address, so that clients try no other family",
      args: ["--hostname", "192.0.2.1"],
      is: { HostName: "192.0.2.1", IPv4: "192.0.2.1", IPv6: "none" },
    },
    {
      says: "an IPv6 address",
      args: ["--hostname", "2001:db8::1", "--listen", ":444"],
      is: { HostName: "2001:db8::1", IPv4: "none", IPv6: "2001:db8::1" },
    },
    {
      says: "a captive-portal check at port 80",
      args: ["--hostname", "192.0.2.1", "--http-listen", ":80"],
      is: { HostName: "192.0.2.1", IPv4: "192.0.2.1", IPv6: "none", CanPort80: true },
    },
    {
      says: "none for IPv6 alone: clients would ask http://none/",
      args: ["--hostname", "2001:db8::1", "--listen", ":444", "--http-listen", ":80"],
      is: { HostName: "2001:db8::1", IPv4: "none", IPv6: "2001:db8::1" },
    },
    { says: "none at another port", args: ["--hostname", "a", "--http-listen", ":8080"], is: { HostName: "a" } },
  ])("tells clients $says", ({ args, is }) => {
    expect(nodeOf(...args)).toEqual({ Name: "custom", RegionID: 900, ...is });
  });

  test("tells the pin and the ports that are not the usual ones, and that there is no STUN", () => {
    const options = parseOptions(["--hostname", "a"]);
    expect(derpNode(options, { pin: "sha256-raw:00", tlsPort: 444, stunPort: undefined })).toMatchObject({
      CertName: "sha256-raw:00",
      DERPPort: 444,
      STUNPort: -1,
    });
  });
});
