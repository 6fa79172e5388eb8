import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Browser, readable, type Shown } from "../support/browser.ts";
import type { ControlClient } from "../support/control-client.ts";
import { TestDaemon } from "../support/daemon.ts";
import { IdentityProvider } from "../support/identity-provider.ts";

let provider: IdentityProvider;
let daemon: TestDaemon;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  daemon = await TestDaemon.start({ config: { oidc: provider.settings({ pkce: { enabled: true } }) } });
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

const alice = {
  sub: "1",
  email: "alice@example.com",
  email_verified: true,
  name: "Alice A.",
  preferred_username: "alice",
  picture: "https://idp.test/alice.png",
};
const bob = { sub: "2", email: "bob@example.com", email_verified: true, preferred_username: "bob" };
const [accept, reject] = [{ verdict: "accept" }, { verdict: "reject" }];
beforeEach(() => {
  provider.person = alice;
});

/** A device that waits for its login, and what becomes of it. */
async function waiting(device: ControlClient = daemon.client({ hostinfo: { Hostname: "laptop", OS: "linux" } })) {
  const { AuthURL: url = "" } = await device.register();
  return { device, url, outcome: () => device.register({ followup: url }) };
}

async function nodeOf(device: ControlClient) {
  const { nodes } = await daemon.admin.headscale.listNodes({});
  return nodes.find(({ nodeKey }) => nodeKey === device.nodeKey);
}

async function signIn(url: string, browser = new Browser()): Promise<Shown> {
  return browser.press(await browser.visit(url), accept);
}

describe("a device that logs in through the identity provider", () => {
  test("is shown to its owner, and is theirs after one click", async () => {
    const { device, url, outcome } = await waiting();
    const followed = outcome();
    const browser = new Browser();
    const asked = await browser.visit(url);
    expect(readable(asked.html)).toContain("Connect this device?");
    for (const fact of ["laptop", "linux", "Alice A.", "alice@example.com"])
      expect(readable(asked.html)).toContain(fact);
    expect(await nodeOf(device)).toBeUndefined();
    expect((await daemon.admin.headscale.listUsers({})).users).toEqual([]);

    const done = await browser.press(asked, accept);
    expect([done.status, readable(done.html)]).toEqual([200, expect.stringContaining("laptop is in the network")]);
    expect(await followed).toMatchObject({
      MachineAuthorized: true,
      User: { DisplayName: "Alice A." },
      Login: { LoginName: "alice@example.com", Provider: "oidc" },
    });
    expect(await nodeOf(device)).toMatchObject({
      registerMethod: 3,
      user: {
        name: "alice",
        displayName: "Alice A.",
        email: "alice@example.com",
        provider: "oidc",
        providerId: `${provider.issuer}/1`,
        profilePicUrl: "https://idp.test/alice.png",
      },
    });
    expect(browser.cookies).toEqual([]);
  });

  test("is sent to the provider with state, nonce and challenge that are never the same", async () => {
    const { url } = await waiting();
    const seen = await Promise.all([0, 1].map(() => new Browser().visit(url)));
    const [one, other] = seen.map(({ way }) => new URL(way[1] ?? "").searchParams);
    expect(Object.fromEntries(one ?? [])).toMatchObject({
      client_id: "headscale",
      response_type: "code",
      scope: "openid profile email",
      redirect_uri: `${daemon.url}/oidc/callback`,
      code_challenge_method: "S256",
    });
    for (const name of ["state", "nonce", "code_challenge"]) {
      expect(one?.get(name)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(one?.get(name)).not.toBe(other?.get(name));
    }
  });

  test("keeps in the browser what the way back needs, for that path alone, where no script reads it", async () => {
    const { url } = await waiting();
    const browser = new Browser();
    await browser.visit(url, (to) => to.startsWith(provider.issuer));
    expect(browser.cookies).toEqual([
      expect.stringMatching(
        /^headscale_login_.{8}; Max-Age=(?:900|8\d\d); Path=\/oidc\/callback; HttpOnly; SameSite=Lax$/,
      ),
    ]);
    const asked = new Browser();
    await asked.visit(url);
    expect(asked.cookies).toEqual([
      expect.stringMatching(
        /^headscale_sign_in; Max-Age=\d+; Path=\/register\/confirm\/hskey-authreq-\w+; HttpOnly; SameSite=Strict$/,
      ),
    ]);
  });

  test("is turned down by its owner: the device is told, and nobody becomes a user", async () => {
    provider.person = { sub: "stranger", preferred_username: "stranger" };
    const { url, outcome, device } = await waiting();
    const browser = new Browser();
    const done = await browser.press(await browser.visit(url), reject);
    expect(readable(done.html)).toContain("Turned down");
    expect((await outcome()).Error).toContain("rejected");
    expect(await nodeOf(device)).toBeUndefined();
    const { users } = await daemon.admin.headscale.listUsers({});
    expect(users.some(({ name }) => name === "stranger")).toBe(false);
  });

  test("may be opened twice in one browser, and either page finishes it", async () => {
    const { url, outcome } = await waiting();
    const browser = new Browser();
    const isBack = (to: string) => to.startsWith(`${daemon.url}/oidc/callback`);
    const first = await browser.visit(url, isBack);
    await browser.visit(url, isBack);
    await browser.press(await browser.visit(first.url), accept);
    expect((await outcome()).MachineAuthorized).toBe(true);
  });

  test("is finished after a restart of the server in between", async () => {
    const { url, device } = await waiting();
    const browser = new Browser();
    const back = await browser.visit(url, (to) => to.startsWith(`${daemon.url}/oidc/callback`));
    await device.drop();
    await daemon.restart();
    const asked = await browser.visit(back.url);
    await daemon.restart();
    expect((await browser.press(asked, accept)).status).toBe(200);
    expect((await device.register({ followup: url })).MachineAuthorized).toBe(true);
  });

  test("can be let in by command all the same", async () => {
    const { url, outcome } = await waiting();
    await daemon.admin.headscale.createUser({ name: "local" });
    await daemon.admin.headscale.authRegister({ authId: url.split("/").at(-1) ?? "", user: "local" });
    expect((await outcome()).MachineAuthorized).toBe(true);
    expect(readable((await new Browser().visit(url)).html)).toContain("The device is in the network");
  });
});

describe("a device that logs in again", () => {
  async function joined(person: typeof provider.person = alice) {
    provider.person = person;
    const { device, url, outcome } = await waiting();
    await signIn(url);
    expect((await outcome()).MachineAuthorized).toBe(true);
    return { device, node: (await nodeOf(device))! };
  }

  test("as the same user goes on at once, with its name and addresses", async () => {
    const { device, node } = await joined();
    device.rotateNodeKey();
    provider.person = { ...alice, name: "Alice B.", preferred_username: "alice.b" };
    const { url, outcome } = await waiting(device);
    const shown = await new Browser().visit(url);
    expect(readable(shown.html)).toContain("Signed in again");
    expect((await outcome()).MachineAuthorized).toBe(true);
    const after = await nodeOf(device);
    expect(after).toMatchObject({ id: node.id, ipAddresses: node.ipAddresses, givenName: node.givenName });
    expect(after?.user).toMatchObject({ id: node.user?.id, name: "alice.b", displayName: "Alice B." });
  });

  test("after its key has expired is the same node, no longer expired", async () => {
    const { device, node } = await joined();
    await daemon.admin.headscale.expireNode({ nodeId: node.id });
    expect((await device.register()).NodeKeyExpired).toBe(true);
    device.rotateNodeKey();
    const { url, outcome } = await waiting(device);
    await new Browser().visit(url);
    expect((await outcome()).MachineAuthorized).toBe(true);
    expect(await nodeOf(device)).toMatchObject({ id: node.id, expired: false });
  });

  test("as somebody else is asked about, and is a second node beside the first", async () => {
    const { device, node } = await joined();
    provider.person = bob;
    device.rotateNodeKey();
    const { url, outcome } = await waiting(device);
    const browser = new Browser();
    const asked = await browser.visit(url);
    expect(readable(asked.html)).toContain("in the network already, for somebody else");
    expect(readable(asked.html)).not.toContain("Alice");
    await browser.press(asked, accept);
    expect((await outcome()).MachineAuthorized).toBe(true);
    const second = await nodeOf(device);
    expect(second?.user?.name).toBe("bob");
    expect(second?.id).not.toBe(node.id);
    expect((await daemon.admin.headscale.getNode({ nodeId: node.id })).node?.user?.email).toBe("alice@example.com");
  });
});

describe("tags that a device asks for", () => {
  const tagged = () => daemon.client({ hostinfo: { Hostname: "server", RequestTags: ["tag:web"] } });
  const policy = (owner: string) =>
    daemon.admin.headscale.setPolicy({ policy: JSON.stringify({ tagOwners: { "tag:web": [owner] } }) });

  test("are shown, and the device belongs to them when its user may give them", async () => {
    await policy("alice@example.com");
    await signIn((await waiting()).url);
    const { device, url, outcome } = await waiting(tagged());
    const browser = new Browser();
    const asked = await browser.visit(url);
    expect(readable(asked.html)).toContain("tag:web");
    await browser.press(asked, accept);
    expect((await outcome()).MachineAuthorized).toBe(true);
    expect(await nodeOf(device)).toMatchObject({ tags: ["tag:web"], registerMethod: 3 });
  });

  test("that its user may not give keep it out, with a sentence that says so", async () => {
    await policy("somebody@example.com");
    const { device, url } = await waiting(tagged());
    const done = await signIn(url);
    expect([done.status, readable(done.html)]).toEqual([403, expect.stringContaining("tag:web")]);
    expect(await nodeOf(device)).toBeUndefined();
  });
});

describe("claims", () => {
  test("that only UserInfo tells count as well", async () => {
    provider.person = { sub: "3", email: "carol@example.com", email_verified: true, preferred_username: "carol" };
    provider.onlyInUserInfo = ["email", "email_verified", "preferred_username"];
    const { device, url, outcome } = await waiting();
    await signIn(url);
    provider.onlyInUserInfo = [];
    await outcome();
    expect((await nodeOf(device))?.user).toMatchObject({ name: "carol", email: "carol@example.com" });
  });

  test("of a local user's name make another user", async () => {
    const { user } = await daemon.admin.headscale.createUser({ name: "dave" });
    provider.person = { sub: "4", preferred_username: "dave" };
    const { device, url, outcome } = await waiting();
    await signIn(url);
    await outcome();
    expect((await nodeOf(device))?.user).toMatchObject({ name: "dave", provider: "oidc" });
    expect((await nodeOf(device))?.user?.id).not.toBe(user?.id);
  });

  test("give a name to two people: a command that says it means neither", async () => {
    for (const sub of ["5", "6"]) {
      provider.person = { sub, preferred_username: "twin", email: `twin${sub}@example.com`, email_verified: true };
      await signIn((await waiting()).url);
    }
    const { url } = await waiting();
    const authId = url.split("/").at(-1) ?? "";
    await expect(daemon.admin.headscale.authRegister({ authId, user: "twin" })).rejects.toThrow(/several users .* ids/);
    const { node } = await daemon.admin.headscale.authRegister({ authId, user: "twin6@example.com" });
    expect(node?.user?.providerId).toBe(`${provider.issuer}/6`);
  });

  test("without a name leave the e-mail to call the user by", async () => {
    provider.person = { sub: "7", email: "grace@example.com", email_verified: true };
    await signIn((await waiting()).url);
    const { users } = await daemon.admin.headscale.listUsers({ name: "grace@example.com" });
    expect(users).toMatchObject([{ name: "grace@example.com", email: "grace@example.com" }]);
  });
});

test("UserInfo is left alone when the ID token says all", async () => {
  const { url } = await waiting();
  provider.asked.length = 0;
  await new Browser().visit(url);
  expect(provider.asked).toEqual([expect.stringMatching(/^\/login\?/), "/token"]);
});

test("with the expiry of the token a node expires with it", async () => {
  await using fresh = await TestDaemon.start({
    config: { oidc: provider.settings({ use_expiry_from_token: true }), node: { expiry: "30d" } },
  });
  const device = fresh.client();
  const { AuthURL: url = "" } = await device.register();
  const before = Date.now();
  await signIn(url);
  const { nodes } = await fresh.admin.headscale.listNodes({});
  const seconds = Number(nodes[0]?.expiry?.seconds);
  expect(seconds).toBeGreaterThanOrEqual(Math.floor(before / 1000) + provider.tokenLifeS);
  expect(seconds).toBeLessThanOrEqual(Date.now() / 1000 + provider.tokenLifeS);
});

describe.for([
  { way: "the body alone", takes: "body", pkce: {} },
  { way: "the header alone, and PKCE plain", takes: "header", pkce: { enabled: true, method: "plain" } },
] as const)("a provider that takes the client's secret in $way", ({ takes, pkce }) => {
  test("lets people in; what the configuration adds to the login page goes there, and cannot take its place", async () => {
    await using fresh = await TestDaemon.start({
      config: {
        oidc: provider.settings({
          pkce,
          scope: ["openid", "groups"],
          extra_params: { domain_hint: "example.com", state: "mine", redirect_uri: "https://evil.test" },
        }),
      },
    });
    provider.takesSecretIn = takes;
    const device = fresh.client();
    const { AuthURL: url = "" } = await device.register();
    const browser = new Browser();
    const asked = await browser.visit(url);
    provider.takesSecretIn = "header";
    const query = new URL(asked.way[1] ?? "").searchParams;
    expect([query.get("scope"), query.get("domain_hint")]).toEqual(["openid groups", "example.com"]);
    expect(query.getAll("redirect_uri")).toEqual([`${fresh.url}/oidc/callback`]);
    expect((await browser.press(asked, accept)).status).toBe(200);
  });
});
