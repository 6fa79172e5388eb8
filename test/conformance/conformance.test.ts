import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defaultCaseDirectory, readCaseFiles } from "./case-files.ts";
import { anonymisedMessage, withForeignLiterals } from "./hosted-service.ts";
import type { PolicyCase, RecordedView } from "./policy-case.ts";
import { runCase } from "./run-case.ts";

const present = existsSync(defaultCaseDirectory);
if (!present) console.warn(`no recorded policy cases in ${defaultCaseDirectory}: not compared with them`);
const files = present ? readCaseFiles(defaultCaseDirectory) : new Map<string, PolicyCase[]>();

describe.skipIf(!present)("the engine agrees with the hosted service", () => {
  test.for([...files])("on every case of %s", ([, cases]) => {
    const failures = cases.flatMap((recorded) => runCase(recorded).map((line) => `${recorded.id}: ${line}`));
    expect(failures).toEqual([]);
    expect(cases.length).toBeGreaterThan(0);
  });
});

/** Two nodes and a rule, recorded as the engine has it; each row then spoils one thing. */
const recordedRule = {
  SrcIPs: ["100.99.0.1", "fd7a:115c:a1e0::a1"],
  DstPorts: [
    { IP: "100.99.0.2", Ports: { First: 22, Last: 22 } },
    { IP: "fd7a:115c:a1e0::a2", Ports: { First: 22, Last: 22 } },
  ],
  IPProto: [6],
};
const server: RecordedView = {
  packetFilterRules: [recordedRule],
  sshRules: [],
  self: {
    Tags: ["tag:s"],
    AllowedIPs: ["100.99.0.2/32", "fd7a:115c:a1e0::a2/128"],
    CapMap: { "probe-udp-lifetime": null },
  },
  peers: { laptop: { AllowedIPs: ["100.99.0.1/32", "fd7a:115c:a1e0::a1/128"], CapMap: {} } },
};
const sound: PolicyCase = {
  id: "sound",
  policy: { tagOwners: { "tag:s": [] }, grants: [{ src: ["ana@corp.test"], dst: ["tag:s"], ip: ["tcp:22"] }] },
  topology: {
    users: [{ id: 1, name: "ana", email: "ana@corp.test" }],
    nodes: {
      laptop: { hostname: "laptop", user: "ana", ipv4: "100.99.0.1", ipv6: "fd7a:115c:a1e0::a1" },
      server: { hostname: "server", tags: ["tag:s"], ipv4: "100.99.0.2", ipv6: "fd7a:115c:a1e0::a2" },
    },
  },
  accepted: true,
  nodes: { server },
};
const withView = (view: Partial<RecordedView>): PolicyCase => ({ ...sound, nodes: { server: { ...server, ...view } } });

describe("the comparison", () => {
  test("passes what agrees, whatever the order inside a rule", () => {
    const { SrcIPs, DstPorts } = recordedRule;
    const turned = { ...recordedRule, SrcIPs: SrcIPs.toReversed(), DstPorts: DstPorts.toReversed() };
    expect(runCase(sound)).toEqual([]);
    expect(runCase(withView({ packetFilterRules: [turned] }))).toEqual([]);
  });

  test.for([
    ["a rule twice", withView({ packetFilterRules: [recordedRule, recordedRule] })],
    ["no rules", withView({ packetFilterRules: null })],
    ["another source", withView({ packetFilterRules: [{ ...recordedRule, SrcIPs: ["100.99.0.1"] }] })],
    ["another protocol", withView({ packetFilterRules: [{ ...recordedRule, IPProto: [17] }] })],
    [
      "no protocol",
      withView({ packetFilterRules: [{ SrcIPs: recordedRule.SrcIPs, DstPorts: recordedRule.DstPorts }] }),
    ],
    [
      "a destination less",
      withView({ packetFilterRules: [{ ...recordedRule, DstPorts: recordedRule.DstPorts.slice(1) }] }),
    ],
    ["an SSH rule", withView({ sshRules: [{ principals: [], sshUsers: {}, action: { accept: true } }] })],
    ["another tag", withView({ self: { ...server.self, Tags: ["tag:x"] } })],
    [
      "another own route",
      withView({ self: { ...server.self, AllowedIPs: [...(server.self.AllowedIPs ?? []), "10.0.0.0/8"] } }),
    ],
    ["another own primary route", withView({ self: { ...server.self, PrimaryRoutes: ["10.0.0.0/8"] } })],
    ["another own capability", withView({ self: { ...server.self, CapMap: { x: null } } })],
    ["a peer less", withView({ peers: {} })],
    ["a peer's route", withView({ peers: { laptop: { ...server.peers?.laptop, PrimaryRoutes: ["10.0.0.0/8"] } } })],
    ["a peer's capability", withView({ peers: { laptop: { ...server.peers?.laptop, CapMap: { x: null } } } })],
    ["a peer's application capability", withView({ whois: { "100.99.0.1": { "x.test/y": null } } })],
    ["a refusal", { ...sound, accepted: false, status: 400, message: "no" }],
  ] as const)("notices %s", ([, spoilt]) => {
    expect(runCase(spoilt)).not.toEqual([]);
  });

  test("wants a refusal in the recorded words, unless the service crashed", () => {
    const bad = { ...sound, policy: { grants: [{ src: ["*"], dst: ["*"], ip: [] }] }, accepted: false, status: 400 };
    expect(runCase({ ...bad, message: "ip and app can not both be empty" })).toEqual([]);
    expect(runCase({ ...bad, message: "ip and app can not be empty" })).not.toEqual([]);
    expect(runCase({ ...bad, status: 500, message: "internal server error" })).toEqual([]);
    expect(runCase({ ...sound, accepted: false, status: 500, message: "internal server error" })).not.toEqual([]);
  });
});

describe("what anonymising left behind", () => {
  test("is undone in messages", () => {
    expect(anonymisedMessage("PASSKEY is not associated")).toBe("EXAMPLE.COM is not associated");
  });

  test("is undone for IPv6 literals where nodes were numbered in sequence, and only there", () => {
    const node = (ipv4: string, ipv6: string) => ({
      ...sound,
      policy: { dst: ["fd7a:115c:a1e0::10", "fd7a:115c:a1e0::1"] },
      topology: { users: [], nodes: { a: { hostname: "a", ipv4, ipv6 } } },
    });
    expect(withForeignLiterals(node("100.64.0.16", "fd7a:115c:a1e0::10"))).toBe(
      '{"dst":["fd7a:115c:a1e0:ffff:ffff::10","fd7a:115c:a1e0::1"]}',
    );
    expect(withForeignLiterals(node("100.99.0.16", "fd7a:115c:a1e0::10"))).toContain('"fd7a:115c:a1e0::10"');
  });
});
