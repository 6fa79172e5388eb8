import type { SSHAction } from "@headscale/tailcfg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { join } from "../support/admin-ways.ts";
import { Browser, readable } from "../support/browser.ts";
import type { ControlClient } from "../support/control-client.ts";
import { TestDaemon } from "../support/daemon.ts";
import { IdentityProvider } from "../support/identity-provider.ts";

const policy = `{
  "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
  "tagOwners": {"tag:ci": []},
  "ssh": [
    {"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"], "checkPeriod": "always"},
    {"action": "check", "src": ["tag:ci"], "dst": ["tag:ci"], "users": ["root"]},
  ],
}`;
const alice = { sub: "1", email: "alice@example.com", email_verified: true, preferred_username: "alice" };
const mallory = { sub: "2", email: "mallory@example.com", email_verified: true, preferred_username: "mallory" };

let provider: IdentityProvider;
let daemon: TestDaemon;
let source: bigint;
let destination: ControlClient;
let destinationId: bigint;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  daemon = await TestDaemon.start({ config: { oidc: provider.settings() } });
  await daemon.admin.headscale.setPolicy({ policy });
  source = (await signedIn("laptop")).id;
  const second = await signedIn("server");
  destination = second.device;
  destinationId = second.id;
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  provider.person = alice;
});

async function signedIn(hostname: string) {
  provider.person = alice;
  const device = daemon.client({ hostinfo: { Hostname: hostname } });
  const { AuthURL: url = "" } = await device.register();
  const browser = new Browser();
  await browser.press(await browser.visit(url), { verdict: "accept" });
  const { nodes } = await daemon.admin.headscale.listNodes({});
  return { device, id: nodes.find(({ nodeKey }) => nodeKey === device.nodeKey)?.id ?? 0n };
}

async function check(asks = destination, [src, dst] = [source, destinationId]) {
  const ask = async (path: string): Promise<SSHAction> => {
    const { body } = await asks.request({ method: "GET", path });
    return JSON.parse(body.toString());
  };
  const { message = "", holdAndDelegate = "" } = await ask(`/machine/ssh/action/${src}/to/${dst}?local_user=root`);
  const { pathname, search } = new URL(holdAndDelegate);
  return { url: /\S+\/auth\/\S+/.exec(message)?.[0] ?? "", verdict: () => ask(`${pathname}${search}`) };
}

describe("an SSH check, by signing in", () => {
  test("shows its owner what is about to be opened, and refuses or allows it", async () => {
    for (const [verdict, outcome] of [
      ["reject", { reject: true }],
      ["accept", { accept: true }],
    ] as const) {
      const { url, verdict: decided } = await check();
      const browser = new Browser();
      const asked = await browser.visit(url);
      const text = readable(asked.html);
      for (const fact of ["Allow this SSH connection?", "laptop", "server", "root", "alice"])
        expect(text).toContain(fact);
      expect((await browser.press(asked, { verdict })).status).toBe(200);
      expect(await decided()).toMatchObject(outcome);
    }
  });

  test("is nobody else's to answer", async () => {
    provider.person = mallory;
    const { url } = await check();
    const shown = await new Browser().visit(url);
    expect([shown.status, readable(shown.html)]).toEqual([403, expect.stringContaining("not yours")]);
    const { users } = await daemon.admin.headscale.listUsers({});
    expect(users.map(({ name }) => name)).toEqual(["alice"]);
  });

  test("is shown as what it is at the address for devices too", async () => {
    const { url } = await check();
    const asked = await new Browser().visit(url.replace("/auth/", "/register/"));
    expect(readable(asked.html)).toContain("Allow this SSH connection?");
  });

  test("of a tagged device, which has no owner, is left to the command line", async () => {
    const ci = await join(daemon, { tags: ["tag:ci"] });
    const other = await join(daemon, { tags: ["tag:ci"] });
    const { url } = await check(ci.device, [other.id, ci.id]);
    expect(readable((await new Browser().visit(url)).html)).toContain("headscalectl auth approve");
  });
});
