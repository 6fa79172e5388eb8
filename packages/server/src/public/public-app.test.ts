import { createHash } from "node:crypto";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import type { LoginPagesDeps, WaitingLogin } from "./login-pages.ts";
import { createPublicApp, type PublicDeps } from "./public-app.ts";

const noisePublicKey = MachineKey.parse(`mkey:${"ab".repeat(32)}`);
const knownNode = NodeKey.parse(`nodekey:${"01".repeat(32)}`);
const authId = "hskey-authreq-0123456789abcdef01234567";

const login: PublicDeps["login"] = {
  findLogin: async () => ({ state: "waiting", hostname: "laptop", os: "linux" }),
  signIn: async () => undefined,
  now: () => 0,
  suggestUser: () => ({ name: "alice" }),
  ctl: "headscalectl",
};

function app(changes: Partial<PublicDeps> = {}, loginChanges: Partial<LoginPagesDeps> = {}) {
  return createPublicApp({
    serverUrl: "https://hs.example.com",
    noisePublicKey,
    build: { version: "1.2.3", commit: "abc", buildTime: "now", dirty: false },
    ping: async () => {},
    verifier: (nodeKey) => nodeKey === knownNode,
    verifyLimits: { maxBytes: 4096, timeoutMs: 5000 },
    answerPing: (id) => id === "0123456789abcdef",
    onAnswer: () => {},
    onError: (error) => {
      throw error;
    },
    ...changes,
    login: { ...login, ...loginChanges },
  });
}

const textOf = (html: string): string =>
  html
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, "")
    .replace(/<[^>]*>/g, "")
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

describe("every answer", () => {
  test.for(["/", "/health", "/key", "/nothing/here", `/register/${authId}`, "/ts2021", "/apple/ios", "/verify"])(
    "%s forbids frames and sniffing",
    async (path) => {
      const { headers } = await app().request(path);
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    },
  );

  test("an unknown route is a plain 404", async () => {
    const answer = await app().request("/wp-login.php");
    expect([answer.status, await answer.text()]).toEqual([404, "404 page not found\n"]);
  });

  test("an unknown route is a page for a browser", async () => {
    const answer = await app().request("/register", { headers: { accept: "text/html,*/*;q=0.8" } });
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('<a href="/">Go to the start page</a>');
  });

  test("a failure is told to the log and not to the asker", async () => {
    const seen: string[] = [];
    const broken = app(
      { onError: (error, path) => seen.push(`${path}: ${error.message}`) },
      { findLogin: async () => Promise.reject(new Error("password=hunter2")) },
    );
    const answer = await broken.request(`/register/${authId}`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("hunter2");
    expect(seen).toEqual([`/register/${authId}: password=hunter2`]);
  });
});

describe("what is counted", () => {
  test.for([
    { path: "/key?v=1", route: "/key", status: 200 },
    { path: `/register/${authId}`, route: "/register/:authId", status: 200 },
    { path: "/apple/windows", route: "/apple/:platform", status: 400 },
    { path: "/anything/else", route: "none", status: 404 },
    { path: "/ts2021", method: "BREW", route: "/ts2021", status: 400 },
  ])("$path is the route $route", async ({ path, route, status, method = "GET" }) => {
    const seen: unknown[] = [];
    await app({ onAnswer: (answer) => seen.push(answer) }).request(path, { method });
    const counted = method === "GET" ? "GET" : "other";
    expect(seen).toEqual([{ route, method: counted, status, seconds: expect.any(Number) }]);
  });
});

describe("/key", () => {
  test.for([
    { query: "?v=142", status: 200, body: { legacyPublicKey: MachineKey.zero, publicKey: noisePublicKey } },
    { query: "?v=39", status: 200, body: { legacyPublicKey: MachineKey.zero, publicKey: noisePublicKey } },
    { query: "?v=38", status: 200, body: "" },
    { query: "?v=-1", status: 200, body: "" },
    { query: "", status: 400, body: "capability version must be set\n" },
    { query: "?v=", status: 400, body: "capability version must be set\n" },
    { query: "?v=abc", status: 400, body: "invalid capability version\n" },
    { query: "?v=1e3", status: 400, body: "invalid capability version\n" },
    { query: `?v=${"9".repeat(400)}`, status: 400, body: "invalid capability version\n" },
  ])("$query answers $status, for browsers too", async ({ query, status, body }) => {
    const answer = await app().request(`/key${query}`);
    const text = await answer.text();
    expect(answer.status).toBe(status);
    expect(typeof body === "string" ? text : JSON.parse(text)).toEqual(body);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("/health", () => {
  test.for([
    { says: "passes while the database answers", ping: async () => {}, status: 200, body: '{"status":"pass"}' },
    {
      says: "fails without a reason when it does not",
      ping: () => Promise.reject(new Error("x")),
      status: 500,
      body: '{"status":"fail"}',
    },
  ])("$says", async ({ ping, status, body }) => {
    const answer = await app({ ping }).request("/health");
    expect([answer.status, await answer.text()]).toEqual([status, body]);
    expect(answer.headers.get("content-type")).toBe("application/health+json; charset=utf-8");
  });
});

describe("small routes", () => {
  test("/version has headscale's members", async () => {
    expect(await (await app().request("/version")).json()).toEqual({
      version: "1.2.3",
      commit: "abc",
      buildTime: "now",
      dirty: false,
      go: { version: expect.stringContaining("node"), os: process.platform, arch: process.arch },
    });
  });

  test("/robots.txt keeps crawlers out", async () => {
    expect(await (await app().request("/robots.txt")).text()).toBe("User-agent: *\nDisallow: /\n");
  });

  test("/favicon.ico is a PNG", async () => {
    const answer = await app().request("/favicon.ico");
    expect(answer.headers.get("content-type")).toBe("image/png");
    expect(Buffer.from(await answer.arrayBuffer()).toString("latin1", 1, 4)).toBe("PNG");
  });

  test.for(["GET", "POST"])("%s /ts2021 without Upgrade says that a proxy is misconfigured", async (method) => {
    const answer = await app().request("/ts2021", { method });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(/reverse proxy .* dropped the header/);
  });

  test.for([
    { method: "HEAD", path: "?id=0123456789abcdef", status: 200 },
    { method: "HEAD", path: "?id=other", status: 404 },
    { method: "HEAD", path: "", status: 400 },
    { method: "GET", path: "?id=0123456789abcdef", status: 405 },
    { method: "POST", path: "?id=0123456789abcdef", status: 405 },
  ])("$method /machine/ping-response$path answers $status", async ({ method, path, status }) => {
    expect((await app().request(`/machine/ping-response${path}`, { method })).status).toBe(status);
  });
});

describe("/verify", () => {
  const ask = (body: string | ReadableStream, init: RequestInit = {}) =>
    app().request("/verify", { method: "POST", body, ...init });

  test.for([
    { says: "a node of this server", body: { NodePublic: knownNode, Source: "203.0.113.4" }, allow: true },
    { says: "a stranger", body: { NodePublic: `nodekey:${"02".repeat(32)}` }, allow: false },
  ])("decides about $says", async ({ body, allow }) => {
    const answer = await ask(JSON.stringify(body));
    expect([answer.status, await answer.json()]).toEqual([200, { Allow: allow }]);
  });

  const whole = JSON.stringify({ NodePublic: knownNode, Source: "1.2.3.4" });
  test("refuses the question wherever it is cut", async () => {
    for (let length = 0; length < whole.length; length++) expect((await ask(whole.slice(0, length))).status).toBe(400);
  });

  test.for([
    { says: "no object", body: "[]" },
    { says: "null", body: "null" },
    { says: "a key of another kind", body: JSON.stringify({ NodePublic: noisePublicKey }) },
    { says: "a key that is too long", body: JSON.stringify({ NodePublic: `${knownNode}00` }) },
    { says: "a key that is a number", body: '{"NodePublic": 1}' },
  ])("refuses $says", async ({ body }) => expect((await ask(body)).status).toBe(400));

  test("refuses more than 4 KiB, stated or not", async () => {
    const large = `${whole}${" ".repeat(4096)}`;
    expect((await ask(large)).status).toBe(413);
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    });
    expect((await ask(stream, { duplex: "half" } as RequestInit)).status).toBe(413);
  });

  test("gives up on a question that never ends", async () => {
    const silent = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
    const impatient = app({ verifyLimits: { maxBytes: 4096, timeoutMs: 1 } });
    const answer = await impatient.request("/verify", { method: "POST", body: silent, duplex: "half" } as RequestInit);
    expect(answer.status).toBe(408);
  });

  test("wants POST", async () => {
    const answer = await app().request("/verify");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("/register/{auth_id}", () => {
  const page = async (changes: Partial<LoginPagesDeps> = {}, path = `/register/${authId}`) => {
    const answer = await app({}, changes).request(path);
    return { status: answer.status, headers: answer.headers, html: await answer.text() };
  };

  test("shows a command that works as it stands when there is one user", async () => {
    const { status, html } = await page();
    expect(status).toBe(200);
    expect(textOf(html)).toContain(`headscalectl auth register --auth-id ${authId} --user alice`);
    expect(textOf(html)).toContain("laptop");
  });

  test("creates a user first when there is none", async () => {
    const text = textOf((await page({ suggestUser: () => "none" })).html);
    const create = text.indexOf("headscalectl users create alice");
    expect(create).toBeGreaterThan(0);
    expect(text.indexOf(`--auth-id ${authId} --user alice`)).toBeGreaterThan(create);
  });

  test("does not tell who the users are when there are several", async () => {
    expect(textOf((await page({ suggestUser: () => "some" })).html)).toContain(`--auth-id ${authId} --user USERNAME`);
  });

  test("quotes a user name for the shell, and a device name for HTML", async () => {
    const { html } = await page({
      suggestUser: () => ({ name: "o'neil & co" }),
      findLogin: async () => ({ state: "waiting", hostname: "<script>alert(1)</script>" }),
    });
    expect(textOf(html)).toContain(`--user 'o'\\''neil & co'`);
    expect(html).not.toContain("<script>alert");
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  });

  test.for<{ state: WaitingLogin["state"]; says: string }>([
    { state: "waiting", says: "Waiting for approval" },
    { state: "approved", says: "The device is in the network" },
    { state: "rejected", says: "turned down" },
    { state: "unknown", says: "Run “tailscale up” again" },
  ])("says that a login is $state, to people and to the page's script", async ({ state, says }) => {
    const findLogin = async () => ({ state });
    expect(textOf((await page({ findLogin })).html)).toContain(says);
    const answer = await app({}, { findLogin }).request(`/register/${authId}`, {
      headers: { accept: "application/json" },
    });
    expect(await answer.json()).toEqual({ state });
  });

  test("loads nothing from elsewhere, and runs only what its policy names", async () => {
    const { html, headers } = await page();
    const policy = headers.get("content-security-policy") ?? "";
    const inline = [...html.matchAll(/<(script|style)>([\s\S]*?)<\/\1>/g)];
    expect(inline.map(([, tag]) => tag)).toEqual(["style", "script"]);
    for (const [, tag, text = ""] of inline) {
      expect(policy).toContain(`${tag}-src 'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(html).not.toMatch(/(?:src|href)="(?!\/favicon\.ico")|style=|onclick=/);
  });

  test("sends on to the identity provider when there is one, with what the browser keeps for the way back", async () => {
    const cookie = { name: "headscale_login_abc", value: "v", path: "/oidc/callback", expiresAt: 900_000 };
    const { status, headers } = await page({ signIn: async (id) => ({ url: `https://idp.example/${id}`, cookie }) });
    expect([status, headers.get("location")]).toEqual([302, `https://idp.example/${authId}`]);
    expect(headers.get("set-cookie")).toBe(
      "headscale_login_abc=v; Max-Age=900; Path=/oidc/callback; HttpOnly; Secure; SameSite=Lax",
    );
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test.for([
    "hskey-authreq-",
    "hskey-authreq-0123",
    `${authId}0`,
    "nodekey:abc",
    "hskey-authreq-0123456789abcdef0123456;",
    "%00",
  ])("refuses the id %s", async (id) => {
    const { status, html } = await page({}, `/register/${id}`);
    expect(status).toBe(400);
    expect(html).not.toContain("auth register");
  });
});

describe("/auth/{auth_id}", () => {
  test("shows how to approve and how to turn down", async () => {
    const text = textOf(await (await app().request(`/auth/${authId}`)).text());
    expect(text).toContain(`headscalectl auth approve --auth-id ${authId}`);
    expect(text).toContain(`headscalectl auth reject --auth-id ${authId}`);
  });

  test("refuses a malformed id", async () => expect((await app().request("/auth/x")).status).toBe(400));
});

describe("pages for clients", () => {
  test.for([
    { path: "/", says: "tailscale up --login-server https://hs.example.com" },
    { path: "/windows", says: "tailscale login --login-server https://hs.example.com" },
    { path: "/apple", says: "defaults write io.tailscale.ipn.macos ControlURL https://hs.example.com" },
    { path: "/android", says: "Use an alternate server" },
  ])("$path says what to enter", async ({ path, says }) => {
    const answer = await app().request(path);
    expect(answer.status).toBe(200);
    expect(textOf(await answer.text())).toContain(says);
  });

  test.for([
    { platform: "ios", type: "io.tailscale.ipn.ios" },
    { platform: "macos-app-store", type: "io.tailscale.ipn.macos" },
    { platform: "macos-standalone", type: "io.tailscale.ipn.macsys" },
  ])("/apple/$platform is a profile for $type", async ({ platform, type }) => {
    const answer = await app({ serverUrl: "https://hs.example.com/?a&b" }).request(`/apple/${platform}`);
    const xml = await answer.text();
    expect(answer.headers.get("content-type")).toBe("application/x-apple-aspen-config; charset=utf-8");
    expect(xml).toContain(`<key>PayloadType</key><string>${type}</string>`);
    expect(xml).toContain("<key>ControlURL</key><string>https://hs.example.com/?a&amp;b</string>");
    const ids = [...xml.matchAll(/<key>PayloadUUID<\/key><string>([0-9a-f-]{36})</g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(2);
  });

  test("/apple/windows is refused", async () => expect((await app().request("/apple/windows")).status).toBe(400));
});
