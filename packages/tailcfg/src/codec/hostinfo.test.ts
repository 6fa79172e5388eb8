import { describe, expect, test } from "vitest";
import { DecodeError } from "./decode-error.ts";
import { decodeHostinfo } from "./hostinfo.ts";

/** As tailscaled 1.102 sends it, shortened. */
const real = {
  IPNVersion: "1.102.2-tabc",
  BackendLogID: "abc",
  OS: "linux",
  OSVersion: "6.1.0",
  Container: false,
  Distro: "debian",
  Hostname: "box",
  GoArch: "amd64",
  RoutableIPs: ["10.0.0.0/24", "0.0.0.0/0", "::/0"],
  Services: [
    { Proto: "peerapi4", Port: 41234 },
    { Proto: "tcp", Port: 22, Description: "sshd" },
  ],
  NetInfo: { MappingVariesByDestIP: null, WorkingUDP: true, PreferredDERP: 3, DERPLatency: { "3-v4": 0.02 } },
  sshHostKeys: ["ssh-ed25519 AAAA"],
  Userspace: null,
  TPM: { Manufacturer: "X" },
};

const refusal = (hostinfo: unknown): { code: string; field: string } | "accepted" => {
  try {
    decodeHostinfo(hostinfo);
  } catch (error) {
    if (error instanceof DecodeError) return { code: error.code, field: error.field };
    throw error;
  }
  return "accepted";
};

describe("decodeHostinfo", () => {
  test("keeps all that a client says of itself", () => {
    expect(decodeHostinfo(real)).toEqual(real);
  });

  test("gives the fields that we know Go's names, whatever the client's letter case", () => {
    const decoded = decodeHostinfo({
      hostname: "box",
      NETINFO: { preferredderp: 3, other: 1 },
      services: [{ PROTO: "tcp", port: 1 }],
    });
    expect(decoded).toEqual({
      Hostname: "box",
      NetInfo: { PreferredDERP: 3, other: 1 },
      Services: [{ Proto: "tcp", Port: 1 }],
    });
  });

  test("leaves one field of each name, so that no reader finds another than the one that was checked", () => {
    const twice = {
      OS: 5,
      os: "linux",
      NetInfo: { PreferredDERP: "x", preferredDERP: 4 },
      Services: [{ Proto: "tcp", Port: "x", port: 7 }],
    };
    expect(decodeHostinfo(twice)).toEqual({
      OS: "linux",
      NetInfo: { PreferredDERP: 4 },
      Services: [{ Proto: "tcp", Port: 7 }],
    });
  });

  test("takes null for none, so that it does not count as news", () => {
    expect(
      decodeHostinfo({
        Hostname: null,
        NetInfo: null,
        RoutableIPs: null,
        Services: null,
        ShieldsUp: null,
        Location: null,
      }),
    ).toEqual({});
  });

  test("passes on of a location what Go knows of one", () => {
    expect(decodeHostinfo({ Location: { Country: "Norway", Latitude: 59.9, Priority: 2, x: [1] } })).toEqual({
      Location: { Country: "Norway", Latitude: 59.9, Priority: 2 },
    });
  });

  test.for([
    { field: "Hostname", hostinfo: { Hostname: 5 } },
    { field: "OS", hostinfo: { OS: ["linux"] } },
    { field: "RoutableIPs", hostinfo: { RoutableIPs: "10.0.0.0/8" } },
    { field: "RoutableIPs", hostinfo: { RoutableIPs: [{}] } },
    { field: "RequestTags", hostinfo: { RequestTags: [1] } },
    { field: "sshHostKeys", hostinfo: { sshHostKeys: {} } },
    { field: "ShieldsUp", hostinfo: { ShieldsUp: "yes" } },
    { field: "ShareeNode", hostinfo: { ShareeNode: 1 } },
    { field: "PeerRelay", hostinfo: { PeerRelay: {} } },
    { field: "AppConnector", hostinfo: { AppConnector: "true" } },
    { field: "Services", hostinfo: { Services: {} } },
    { field: "Services", hostinfo: { Services: [{ Port: 1 }] } },
    { field: "Services", hostinfo: { Services: [{ Proto: "tcp" }] } },
    { field: "Port", hostinfo: { Services: [{ Proto: "tcp", Port: 65_536 }] } },
    { field: "Port", hostinfo: { Services: [{ Proto: "tcp", Port: -1 }] } },
    { field: "Description", hostinfo: { Services: [{ Proto: "tcp", Port: 1, Description: {} }] } },
    { field: "PreferredDERP", hostinfo: { NetInfo: { PreferredDERP: -1 } } },
    { field: "PreferredDERP", hostinfo: { NetInfo: { PreferredDERP: 2 ** 40 } } },
    { field: "Country", hostinfo: { Location: { Country: 5 } } },
    { field: "Latitude", hostinfo: { Location: { Latitude: "59" } } },
    { field: "Priority", hostinfo: { Location: { Priority: -1 } } },
  ])("refuses a $field that no peer's client could read: $hostinfo", ({ field, hostinfo }) => {
    expect(refusal(hostinfo)).toEqual({ code: "bad-field", field });
  });

  test.for([
    { says: "a list", hostinfo: [], field: "Hostinfo" },
    { says: "a text", hostinfo: "linux", field: "Hostinfo" },
    { says: "null among the services", hostinfo: { Services: [null] }, field: "Services" },
    { says: "a list as NetInfo", hostinfo: { NetInfo: [] }, field: "NetInfo" },
    { says: "a text as location", hostinfo: { Location: "x" }, field: "Location" },
  ])("refuses $says", ({ hostinfo, field }) => {
    expect(refusal(hostinfo)).toEqual({ code: "not-an-object", field });
  });

  test.for([
    { field: "RoutableIPs", hostinfo: { RoutableIPs: new Array(5000).fill("10.0.0.0/8") } },
    { field: "Services", hostinfo: { Services: new Array(5000).fill({ Proto: "tcp", Port: 1 }) } },
    { field: "Hostinfo", hostinfo: { Hostname: "x".repeat(100_000) } },
    { field: "Hostinfo", hostinfo: { sshHostKeys: new Array(20).fill("x".repeat(5000)) } },
  ])("refuses a $field that is longer than every client's", ({ field, hostinfo }) => {
    expect(refusal(hostinfo)).toEqual({ code: "too-long", field });
  });
});
