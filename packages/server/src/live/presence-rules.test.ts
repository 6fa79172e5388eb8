import type { MapRequest } from "@headscale/tailcfg";
import { DiscoKey, NodeKey } from "@headscale/tailcfg/keys";
import type { Presence } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import { afterReport, mergeHostinfo } from "./presence-rules.ts";

const disco = (n: number) => DiscoKey.fromBytes(new Uint8Array(32).fill(n));
const before: Presence = {
  online: true,
  discoKey: disco(1),
  endpoints: ["1.2.3.4:5", "6.7.8.9:10"],
  homeDerp: 3,
  hostinfo: { Hostname: "box", OS: "linux", NetInfo: { PreferredDERP: 3 } },
  capVersion: 113,
};
const request = (over: Partial<MapRequest>): MapRequest => ({
  Version: 142,
  NodeKey: NodeKey.zero,
  Stream: false,
  OmitPeers: true,
  ReadOnly: false,
  ...over,
});

describe("afterReport", () => {
  test("takes in what a client says", () => {
    const hostinfo = { Hostname: "box", OS: "linux", NetInfo: { PreferredDERP: 7 } };
    expect(afterReport(before, request({ DiscoKey: disco(2), Endpoints: ["1.1.1.1:1"], Hostinfo: hostinfo }))).toEqual({
      online: true,
      discoKey: disco(2),
      endpoints: ["1.1.1.1:1"],
      homeDerp: 7,
      hostinfo,
      capVersion: 142,
    });
  });

  test.for([
    { says: "nothing but a version", over: {} },
    {
      says: "a stream with zero values, as load generators send",
      over: { Stream: true, OmitPeers: false, Hostinfo: {}, Endpoints: [] },
    },
    { says: "a Hostinfo that nobody filled in", over: { Hostinfo: { OS: "linux" } } },
    { says: "the same Hostinfo without NetInfo", over: { Hostinfo: { Hostname: "box", OS: "linux" } } },
    {
      says: "a home region of zero",
      over: { Hostinfo: { Hostname: "box", OS: "linux", NetInfo: { PreferredDERP: 0 } } },
      but: { hostinfo: { Hostname: "box", OS: "linux", NetInfo: { PreferredDERP: 0 } } },
    },
  ])("loses nothing by $says", ({ over, but }) => {
    expect(afterReport(before, request(over))).toEqual({ ...before, capVersion: 142, ...but });
  });

  test("keeps the list of endpoints that it has when only the order differs", () => {
    expect(afterReport(before, request({ Endpoints: ["6.7.8.9:10", "1.2.3.4:5"] })).endpoints).toBe(before.endpoints);
  });

  test.for([
    { says: "one more", endpoints: ["1.2.3.4:5", "6.7.8.9:10", "1.1.1.1:1"] },
    { says: "another in place of one", endpoints: ["1.2.3.4:5", "1.1.1.1:1"] },
    { says: "one twice", endpoints: ["1.2.3.4:5", "1.2.3.4:5", "6.7.8.9:10"] },
    { says: "none at all, told by a lite update", endpoints: [] },
  ])("takes in endpoints with $says", ({ endpoints }) => {
    expect(afterReport(before, request({ Endpoints: endpoints })).endpoints).toEqual(endpoints);
  });
});

describe("mergeHostinfo", () => {
  test("is the old object when the client says the same again", () => {
    expect(mergeHostinfo(before.hostinfo, structuredClone(before.hostinfo))).toBe(before.hostinfo);
  });

  test("lets go of what a client no longer says", () => {
    expect(mergeHostinfo({ Hostname: "box", ShieldsUp: true }, { Hostname: "box" })).toEqual({ Hostname: "box" });
  });
});
