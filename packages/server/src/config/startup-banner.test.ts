import { describe, expect, test } from "vitest";
import { parseConfig } from "./parse-config.ts";
import { startupBanner } from "./startup-banner.ts";

const localAddresses = [{ interface: "eth0", address: "192.168.7.20", isLoopback: false }];
const { config } = parseConfig({}, undefined, {
  workingFolder: "/srv/hs",
  env: {},
  localAddresses,
  readText: () => undefined,
});

describe("startupBanner", () => {
  test("tells a newcomer the three commands that connect a first node", () => {
    expect(startupBanner(config, { version: "1.2.3", ctl: "npx headscalectl", users: [] })).toMatchInlineSnapshot(`
      "headscale 1.2.3 is ready.

        clients connect to  http://192.168.7.20:8080
        command line uses   /srv/hs/data/headscale.sock
        configuration       no file, all defaults
        data                /srv/hs/data

      Next:
        1. Create a user          npx headscalectl users create alice
        2. Make a key for a node  npx headscalectl preauthkeys create --user alice
        3. On the node, connect   sudo tailscale up --login-server http://192.168.7.20:8080 --auth-key KEY"
    `);
  });

  test("says when nobody else can come", () => {
    const alone = { ...config, server: { ...config.server, url: "http://127.0.0.1:8080" } };
    const facts = { version: "1.2.3", ctl: "headscalectl", users: [] };
    expect(startupBanner(alone, facts)).toContain("which only this machine reaches: give server_url an address");
    expect(startupBanner(config, facts)).not.toContain("only this machine");
  });

  test.for([
    { says: "uses the only user there is", users: ["bob"], user: "bob" },
    { says: "leaves the choice among several", users: ["bob", "carol"], user: "USERNAME" },
  ])("$says", ({ users, user }) => {
    const banner = startupBanner(config, { version: "1.2.3", ctl: "headscalectl", users });
    expect(banner).toContain(`1. Make a key for a node  headscalectl preauthkeys create --user ${user}\n`);
    expect(banner).not.toContain("users create");
  });
});
