import type { ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Browser, readable, type Shown } from "../support/browser.ts";
import { TestDaemon } from "../support/daemon.ts";
import { IdentityProvider, type ProviderFaults } from "../support/identity-provider.ts";

const alice = {
  sub: "1",
  email: "alice@example.com",
  email_verified: true,
  preferred_username: "alice",
  groups: ["a"],
};
const rules = {
  allowed_domains: ["example.com"],
  allowed_users: ["alice@example.com", "bob@example.com"],
  allowed_groups: ["a"],
  pkce: { enabled: true },
};

let provider: IdentityProvider;
let daemon: TestDaemon;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  daemon = await TestDaemon.start({
    config: { oidc: provider.settings(rules), limits: { fetch_timeout: "500ms", fetch_size: "64KiB", sign_ins: 2 } },
  });
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  provider.person = alice;
});
afterEach(() => {
  provider.faults = {};
  provider.onlyInUserInfo = [];
});

async function waiting() {
  const device = daemon.client({ hostinfo: { Hostname: "laptop" } });
  const { AuthURL: url = "" } = await device.register();
  return { device, url, authId: url.split("/").at(-1) ?? "" };
}
const isBack = (to: string) => to.startsWith(`${daemon.url}/oidc/callback`);

/** Nobody has become a user, no device a node, and the login waits still. */
async function expectNothingDone(authId: string): Promise<void> {
  const { headscale } = daemon.admin;
  expect((await headscale.listUsers({})).users).toEqual([]);
  expect((await headscale.listNodes({})).nodes).toEqual([]);
  const state = await fetch(`${daemon.url}/register/${authId}`, { headers: { accept: "application/json" } });
  expect(await state.json()).toEqual({ state: "waiting" });
}

describe("the way back from the provider", () => {
  test.for([
    {
      says: "in another browser: the link was stolen",
      browser: () => new Browser(),
      change: (url: string) => url,
      status: 400,
    },
    { says: "without a state", change: (url: string) => url.replace(/state=[^&]*/, "x=y"), status: 400 },
    { says: "without a code", change: (url: string) => url.replace(/code=[^&]*/, "x=y"), status: 400 },
    { says: "with nothing at all", change: (url: string) => url.replace(/\?.*/, ""), status: 400 },
    {
      says: "with a state that nobody made",
      change: (url: string) => url.replace(/state=[^&]*/, "state=abc"),
      status: 400,
    },
    {
      says: "with the beginning of the state and another end",
      change: (url: string) => url.replace(/state=([^&]{8})[^&]*/, "state=$1AAAA"),
      status: 403,
    },
    { says: "with the state twice", change: (url: string) => `${url}&state=again`, status: 403 },
    { says: "with a code of its own", change: (url: string) => url.replace(/code=[^&]*/, "code=made-up"), status: 403 },
    {
      says: "with another issuer's name",
      change: (url: string) => `${url}&iss=https%3A%2F%2Fevil.test`,
      status: 403,
    },
    {
      says: "with a refusal",
      change: (url: string) => url.replace(/code=[^&]*/, "error=access_denied&error_description=Call+0900-666"),
      status: 403,
    },
  ])("$says is refused and changes nothing", async ({ browser, change, status }) => {
    const { url, authId } = await waiting();
    const own = new Browser();
    const back = await own.visit(url, isBack);
    const shown = await (browser?.() ?? own).visit(change(back.url));
    expect(shown.status, readable(shown.html)).toBe(status);
    expect(shown.html).not.toContain("0900");
    expect(shown.html).not.toContain("<form");
    await expectNothingDone(authId);
  });

  test("is gone once: the same callback again leads nowhere, with and without its cookie", async () => {
    const { url, authId } = await waiting();
    const browser = new Browser();
    const back = await browser.visit(url, isBack);
    const cookie = await cookieOf(url);
    expect((await browser.visit(back.url)).html).toContain("<form");
    expect((await browser.visit(back.url)).status).toBe(400);
    const kept = await fetch(`${daemon.url}/oidc/callback?code=x&state=${cookie.state}`, { headers: cookie.headers });
    expect(kept.status).toBe(403);
    const again = await fetch(`${daemon.url}/oidc/callback?code=x&state=${cookie.state}`, { headers: cookie.headers });
    expect([again.status, readable(await again.text())]).toEqual([410, expect.stringContaining("over")]);
    await expectNothingDone(authId);
  });

  test("is refused with a cookie that was changed, or is another login's", async () => {
    const [one, other] = [await waiting(), await waiting()];
    const [a, b] = [await cookieOf(one.url), await cookieOf(other.url)];
    const nameOf = (state: string) => `headscale_login_${state.slice(0, 8)}`;
    for (const [value, status] of [
      [b.value, 403],
      [`${a.value.slice(0, -2)}AA`, 410],
      ["", 410],
      ["%00", 410],
    ] as const) {
      const answer = await fetch(`${daemon.url}/oidc/callback?code=x&state=${a.state}`, {
        headers: { cookie: `${nameOf(a.state)}=${value}` },
      });
      expect(answer.status).toBe(status);
    }
  });

  test("for a login that was decided meanwhile says that it is over", async () => {
    const { url, authId } = await waiting();
    const browser = new Browser();
    const back = await browser.visit(url, isBack);
    await daemon.admin.headscale.authReject({ authId });
    expect((await browser.visit(back.url)).status).toBe(410);
    expect((await browser.visit(url)).way).toEqual([url]);
  });
});

/** What a browser would send back, seen by hand. */
async function cookieOf(url: string) {
  const answer = await fetch(url, { redirect: "manual" });
  const [pair = ""] = (answer.headers.getSetCookie()[0] ?? "").split("; ");
  const location = answer.headers.get("location") ?? "";
  const state = new URL(location).searchParams.get("state") ?? "";
  return { location, state, value: pair.slice(pair.indexOf("=") + 1), headers: { cookie: pair } };
}

describe("the answer to the question", () => {
  async function asked() {
    const login = await waiting();
    const browser = new Browser();
    return { ...login, browser, page: await browser.visit(login.url) };
  }
  const proofOf = ({ html }: Pick<Shown, "html">) => /name="proof" value="([^"]*)"/.exec(html)?.[1] ?? "";
  const confirm = (authId: string, kind = "register") => `${daemon.url}/${kind}/confirm/${authId}`;

  test.for([
    { says: "without the proof", fields: () => ({ verdict: "accept" }) },
    { says: "with another proof", fields: () => ({ verdict: "accept", proof: "A".repeat(43) }) },
    { says: "with neither yes nor no", fields: (proof: string) => ({ verdict: "maybe", proof }) },
    {
      says: "with more than a form holds",
      fields: (proof: string) => ({ verdict: "accept", proof, x: "x".repeat(5000) }),
    },
  ])("$says is refused", async ({ fields }) => {
    const { browser, page, authId } = await asked();
    expect((await browser.post(confirm(authId), fields(proofOf(page)))).status).toBe(403);
    await expectNothingDone(authId);
  });

  test("from a browser without the ticket is refused: another site cannot answer for its visitor", async () => {
    const { page, authId } = await asked();
    const stranger = new Browser();
    expect((await stranger.post(confirm(authId), { verdict: "accept", proof: proofOf(page) })).status).toBe(410);
    await expectNothingDone(authId);
  });

  test("is for the login that was asked about and no other", async () => {
    const mine = await asked();
    const other = await waiting();
    const ticket = await ticketOf(mine.url);
    for (const path of [confirm(other.authId), confirm(mine.authId, "auth")]) {
      const body = new URLSearchParams({ verdict: "accept", proof: ticket.proof });
      expect((await fetch(path, { method: "POST", body, headers: { cookie: ticket.cookie } })).status).toBe(410);
    }
    await expectNothingDone(other.authId);
  });

  test.for(["x", "hskey-authreq-0", "%2e%2e"])("to the id %s leads nowhere", async (id) => {
    expect((await new Browser().post(confirm(id), {})).status).toBe(404);
  });

  /** The ticket and its proof, as a browser holds them. */
  async function ticketOf(url: string) {
    const { location, headers } = await cookieOf(url);
    const back = await fetch(location, { redirect: "manual" });
    const answer = await fetch(back.headers.get("location") ?? "", { headers });
    const kept = answer.headers.getSetCookie().find((line) => line.startsWith("headscale_sign_in=")) ?? "";
    return { cookie: kept.split("; ")[0] ?? "", proof: proofOf({ html: await answer.text() }) };
  }
});

describe("an ID token", () => {
  const past = Math.floor(Date.now() / 1000) - 120;
  test.for<{ says: string; faults: ProviderFaults }>([
    { says: "signed by another key", faults: { signature: "foreign-key" } },
    { says: "not signed", faults: { signature: "none" } },
    { says: "for another client", faults: { idToken: (claims) => ({ ...claims, aud: "other" }) } },
    {
      says: "for two clients, neither named",
      faults: { idToken: (claims) => ({ ...claims, aud: ["headscale", "x"] }) },
    },
    { says: "of another issuer", faults: { idToken: (claims) => ({ ...claims, iss: "https://evil.test" }) } },
    { says: "with another nonce", faults: { idToken: (claims) => ({ ...claims, nonce: "other" }) } },
    { says: "without a nonce", faults: { idToken: ({ nonce: _, ...claims }) => claims } },
    { says: "that has expired", faults: { idToken: (claims) => ({ ...claims, exp: past }) } },
    { says: "that never expires", faults: { idToken: ({ exp: _, ...claims }) => claims } },
    { says: "without a subject", faults: { idToken: ({ sub: _, ...claims }) => claims } },
    { says: "whose subject is empty", faults: { idToken: (claims) => ({ ...claims, sub: "" }) } },
    { says: "whose subject could be another's", faults: { idToken: (claims) => ({ ...claims, sub: "a//b" }) } },
    { says: "beside UserInfo about somebody else", faults: { userInfo: { sub: "2", email: "bob@example.com" } } },
  ])("$says lets nobody in", async ({ faults }) => {
    provider.onlyInUserInfo = ["email"];
    const { url, authId } = await waiting();
    provider.faults = faults;
    const shown = await new Browser().visit(url);
    expect(shown.status, readable(shown.html)).toBe(403);
    await expectNothingDone(authId);
  });
});

describe("somebody whom the provider vouches for", () => {
  test.for([
    { says: "of another domain", person: { email: "alice@example.net" } },
    { says: "who is not on the list", person: { email: "carol@example.com" } },
    { says: "in no allowed group", person: { groups: ["b"] } },
    { says: "without groups", person: { groups: undefined } },
    { says: "with an unverified e-mail", person: { email_verified: false } },
    { says: "without an e-mail", person: { email: undefined } },
  ])("$says may not come in, and the log says why", async ({ person }) => {
    provider.person = { ...alice, ...person };
    const { url, authId } = await waiting();
    daemon.log.length = 0;
    const shown = await new Browser().visit(url);
    expect([shown.status, readable(shown.html)]).toEqual([401, expect.stringContaining("You may not sign in here")]);
    expect(daemon.log).toEqual([expect.stringMatching(/sign-in refused .*(?:not-allowed|not-verified)/)]);
    await expectNothingDone(authId);
  });
});

describe("a provider in trouble", () => {
  const answering = (at: string, answer: (response: ServerResponse) => void): ProviderFaults => ({
    intercept: (path, response) => {
      if (path !== at) return false;
      answer(response);
      return true;
    },
  });
  const huge = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ x: "y".repeat(100_000) }));

  test.for<{ says: string; faults: ProviderFaults }>([
    { says: "that never answers", faults: answering("/token", () => undefined) },
    {
      says: "that stops in the middle",
      faults: answering("/token", (response) => void response.writeHead(200).write("{")),
    },
    { says: "that hangs up", faults: answering("/token", (response) => response.destroy()) },
    { says: "whose answer is too long", faults: answering("/token", huge) },
    { says: "that has an error of its own", faults: answering("/token", (response) => response.writeHead(500).end()) },
    {
      says: "that sends us elsewhere",
      faults: answering("/token", (response) => response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()),
    },
    { says: "whose page is HTML", faults: answering("/token", (response) => response.writeHead(200).end("<html>")) },
  ])("$says costs nobody the login", async ({ faults }) => {
    const { url, authId } = await waiting();
    const browser = new Browser();
    provider.faults = faults;
    const shown = await browser.visit(url);
    expect([shown.status, readable(shown.html)]).toEqual([502, expect.stringContaining("still waits")]);
    await expectNothingDone(authId);
    provider.faults = {};
    expect((await browser.visit(url)).html).toContain("<form");
  });

  test("may lose UserInfo where the ID token has what the rules ask", async () => {
    const { url } = await waiting();
    provider.faults = answering("/userinfo", (response) => response.writeHead(500).end());
    expect((await new Browser().visit(url)).html).toContain("<form");
    provider.onlyInUserInfo = ["email"];
    expect((await new Browser().visit((await waiting()).url)).status).toBe(401);
  });

  test("is not flooded: more logins at once than allowed are told to come back", async () => {
    const logins = await Promise.all([0, 1, 2].map(waiting));
    const held: ServerResponse[] = [];
    const twoHeld = Promise.withResolvers<void>();
    provider.faults = answering("/token", (response) => held.push(response) === 2 && twoHeld.resolve());
    const first = logins.slice(0, 2).map(({ url }) => new Browser().visit(url));
    await twoHeld.promise;
    expect((await new Browser().visit(logins[2]?.url ?? "")).status).toBe(503);
    for (const response of held) response.destroy();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([502, 502]);
  });

  test("who does not know our secret is told to the log, not to the visitor", async () => {
    await using wrong = await TestDaemon.start({
      config: { oidc: { ...provider.settings(), client_secret: "hunter2hunter2" } },
    });
    const { AuthURL: url = "" } = await wrong.client().register();
    const shown = await new Browser().visit(url);
    expect(shown.status).toBe(502);
    expect(wrong.log).toEqual([expect.stringContaining("client-refused"), expect.stringContaining("request failed")]);
    expect(shown.html + wrong.log.join()).not.toContain("hunter2");
  });
});

describe("a provider that is away at the start", () => {
  test("keeps the server from starting, with a sentence that says what to set", async () => {
    await using away = await IdentityProvider.start();
    const config = { oidc: away.settings(), limits: { fetch_timeout: "500ms", fetch_size: "64KiB" } };
    const huge = JSON.stringify({ issuer: away.issuer, x: "y".repeat(100_000) });
    const answers: readonly ((response: ServerResponse) => unknown)[] = [
      (response) => response.destroy(),
      () => undefined,
      (response) => response.writeHead(404).end(),
      (response) => response.writeHead(200, { "content-type": "application/json" }).end(huge),
      (response) => response.writeHead(200, { "content-type": "application/json" }).end("{}"),
      (response) =>
        response.writeHead(200, { "content-type": "application/json" }).end('{"issuer":"https://evil.test"}'),
    ];
    for (const answer of answers) {
      away.faults = { intercept: (_, response) => answer(response) !== null };
      await expect(TestDaemon.start({ config })).rejects.toThrow(
        /^oidc\.issuer: http:\S+ cannot be used: .+oidc\.only_start_if_oidc_is_available to false/,
      );
    }
  });

  test("leaves logins to the command line until it is there", async () => {
    const away = await IdentityProvider.start();
    const settings = away.settings({ only_start_if_oidc_is_available: false });
    await away[Symbol.asyncDispose]();
    await using fresh = await TestDaemon.start({ config: { oidc: settings } });
    await fresh.admin.headscale.createUser({ name: "alice" });
    const { AuthURL: url = "" } = await fresh.client().register();
    expect(readable((await new Browser().visit(url)).html)).toContain("headscalectl auth register");

    await using back = await IdentityProvider.start(away.port);
    await expect
      .poll(async () => (await new Browser().visit(url)).html, { timeout: 20_000, interval: 100 })
      .toContain("<form");
    expect(back.asked).toContain("/token");
  });

  test.for([
    { says: "with a slash that the provider does not write", issuer: (issuer: string) => `${issuer}/` },
    { says: "as the provider writes it", issuer: (issuer: string) => issuer },
  ])("may be named $says", async ({ issuer }) => {
    await using named = await TestDaemon.start({
      config: { oidc: { ...provider.settings(), issuer: issuer(provider.issuer) } },
    });
    const { AuthURL: url = "" } = await named.client().register();
    expect((await new Browser().visit(url)).html).toContain("<form");
  });
});
