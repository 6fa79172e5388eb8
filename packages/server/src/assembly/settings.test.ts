import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "#config/load-config.ts";
import { dnsSettings, netmapSettings, tailnetSettings } from "./settings.ts";

const root = mkdtempSync(join(tmpdir(), "settings-"));
afterAll(() => rmSync(root, { recursive: true }));
const configOf = (yaml: string) => {
  writeFileSync(join(root, "config.yaml"), yaml);
  return loadConfig({ workingFolder: root, env: { HOME: root } }).config;
};

describe("tailnetSettings", () => {
  test("of an empty configuration give out Tailscale's ranges, one after the other, to keys that do not expire", () => {
    expect(tailnetSettings(configOf(""))).toMatchObject({
      prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48" },
      allocation: "sequential",
      nodeExpiryMs: 0,
    });
  });

  test("know a family that is not wanted as absent", () => {
    const { prefixes } = tailnetSettings(configOf("prefixes: {v4: 100.64.0.0/16}"));
    expect(prefixes.v4).toBe("100.64.0.0/16");
  });

  test("take headscale's keys", () => {
    const config = configOf(
      "prefixes: {v4: 100.64.0.0/10, allocation: random}\nnode: {expiry: 90d}\ndns: {base_domain: a.test}",
    );
    expect(tailnetSettings(config)).toMatchObject({
      allocation: "random",
      nodeExpiryMs: 90 * 86_400_000,
      baseDomain: "a.test",
    });
  });
});

describe("dnsSettings", () => {
  test("take headscale's keys", () => {
    const config = configOf(`dns:
  magic_dns: true
  base_domain: a.test
  override_local_dns: true
  nameservers: {global: [1.1.1.1], split: {corp.test: [10.0.0.1]}}
  search_domains: [corp.test]`);
    expect(dnsSettings(config)).toEqual({
      magicDns: true,
      baseDomain: "a.test",
      overrideLocalDns: true,
      nameservers: ["1.1.1.1"],
      splitNameservers: { "corp.test": ["10.0.0.1"] },
      searchDomains: ["corp.test"],
    });
  });
});

describe("netmapSettings", () => {
  test("never claim what this server does not have: clients would wait for it", () => {
    const { selfCapabilities } = netmapSettings(configOf(""));
    for (const missing of ["tailnet-lock", "data-plane-audit-logs", "funnel"])
      expect(Object.keys(selfCapabilities).some((name) => name.includes(missing))).toBe(false);
    expect(selfCapabilities).toHaveProperty(["https://tailscale.com/cap/ssh"]);
  });

  test.for([
    { yaml: "taildrop: {enabled: false}", name: "https://tailscale.com/cap/file-sharing", gets: undefined },
    { yaml: "taildrop: {enabled: true}", name: "https://tailscale.com/cap/file-sharing", gets: null },
    { yaml: "auto_update: {enabled: true}", name: "default-auto-update", gets: [true] },
    { yaml: "auto_update: {enabled: false}", name: "default-auto-update", gets: [false] },
  ])("with $yaml give $name the value $gets", ({ yaml, name, gets }) => {
    expect(netmapSettings(configOf(yaml)).selfCapabilities[name]).toEqual(gets);
  });

  test.for([true, false])("pass on whether clients upload logs: %s", (enabled) => {
    expect(netmapSettings(configOf(`logtail: {enabled: ${enabled}}`)).logtail).toBe(enabled);
  });
});
