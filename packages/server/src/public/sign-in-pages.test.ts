import { createHash } from "node:crypto";
import { parseAuthRequestId } from "@headscale/tailnet";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import type { Arrival } from "#auth/oidc/arrival.ts";
import { SignInError } from "#auth/oidc/sign-in-error.ts";
import { createSignInPages, type SignInAuthority } from "./sign-in-pages.ts";

const authId = parseAuthRequestId("hskey-authreq-0123456789abcdef01234567");
const path = `/register/confirm/${authId}`;
const state = "0123456789";
const hostile = `"><script>alert(1)</script>`;
const asks: Arrival = {
  kind: "asks",
  question: { kind: "register", hostname: hostile, os: hostile, machine: "wQ3xk", tags: [hostile], isAnothers: true },
  account: { name: hostile, detail: hostile },
  authId,
  proof: "the-proof",
  ticket: { name: "headscale_sign_in", value: "the-ticket", path, expiresAt: 900_000 },
};
const registered = { kind: "registered", account: { name: hostile, detail: undefined }, device: hostile } as const;

/** The pages over an authority that answers so; what it was asked is kept. */
function pages(changes: Partial<SignInAuthority> = {}, serverUrl = "https://hs.example.com") {
  const asked: unknown[] = [];
  const authority: SignInAuthority = {
    arrive: async (query, cookie) => {
      asked.push([query, cookie("headscale_login_01234567")]);
      return asks;
    },
    answer: async (...all) => {
      asked.push(all.map(String));
      return registered;
    },
    ...changes,
  };
  const app = new Hono().route("/", createSignInPages({ serverUrl, now: () => 0, authority }));
  return { app, asked };
}

const callback = `/oidc/callback?code=c&state=${state}`;
const cookie = { cookie: "headscale_login_01234567=sealed" };

describe("the callback", () => {
  test("hands over what came back, takes the cookie back and leaves a stricter one", async () => {
    const { app, asked } = pages();
    const answer = await app.request(callback, { headers: cookie });
    expect(asked).toEqual([[`?code=c&state=${state}`, "sealed"]]);
    expect(answer.headers.getSetCookie()).toEqual([
      "headscale_login_01234567=; Max-Age=0; Path=/oidc/callback; HttpOnly; Secure",
      `headscale_sign_in=the-ticket; Max-Age=900; Path=${path}; HttpOnly; Secure; SameSite=Strict`,
    ]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("says Secure by the server's own URL, whatever the way in", async () => {
    const { app } = pages({}, "http://10.0.0.1:8080");
    const answer = await app.request(`https://10.0.0.1${callback}`, { headers: cookie });
    for (const line of answer.headers.getSetCookie()) expect(line).not.toContain("Secure");
  });

  test("shows what a device or an account calls itself as text", async () => {
    for (const arrival of [asks, registered]) {
      const html = await (await pages({ arrive: async () => arrival }).app.request(callback)).text();
      expect(html).not.toContain("<script>alert");
      expect(html).toContain("&quot;&gt;&lt;script&gt;alert(1)");
    }
  });

  test("runs and loads only what its policy names, and sends its form home", async () => {
    const answer = await pages().app.request(callback);
    const policy = answer.headers.get("content-security-policy") ?? "";
    const html = await answer.text();
    for (const [, tag, text = ""] of html.matchAll(/<(script|style)>([\s\S]*?)<\/\1>/g))
      expect(policy).toContain(`${tag}-src 'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    expect(policy).toContain("form-action 'self'");
    expect(html).toContain(`<form class="card" method="post" action="${path}">`);
    expect(html).toContain(`<input type="hidden" name="proof" value="the-proof">`);
  });

  test.for([
    { code: "callback-incomplete", status: 400 },
    { code: "not-begun-here", status: 400 },
    { code: "state-mismatch", status: 403 },
    { code: "turned-down", status: 403 },
    { code: "domain-not-allowed", status: 401 },
    { code: "already-used", status: 410 },
    { code: "provider-unavailable", status: 502 },
    { code: "too-many", status: 503 },
  ] as const)("refuses with $status when it is $code, without saying why", async ({ code, status }) => {
    const refusing = pages({ arrive: () => Promise.reject(new SignInError(code, "inner reason")) });
    const answer = await refusing.app.request(callback);
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toMatch(/inner reason|<form/);
  });

  test("says what the model says when a device is refused", async () => {
    const why = new SignInError("device-refused", `requested tags [${hostile}] are invalid or not permitted`);
    const html = await (await pages({ arrive: () => Promise.reject(why) }).app.request(callback)).text();
    expect(html).toContain("requested tags [&quot;&gt;&lt;script&gt;");
  });
});

describe("the answer", () => {
  test("goes to the authority with its ticket, which is taken back", async () => {
    const { app, asked } = pages();
    const body = new URLSearchParams({ proof: "p", verdict: "accept" });
    const answer = await app.request(path, { method: "POST", body, headers: { cookie: "headscale_sign_in=t" } });
    expect(asked).toEqual([[path, "t", "proof=p&verdict=accept"]]);
    expect(answer.headers.getSetCookie()).toEqual([`headscale_sign_in=; Max-Age=0; Path=${path}; HttpOnly; Secure`]);
  });

  test("loaded again with GET shows how the login stands", async () => {
    const answer = await pages().app.request(path);
    expect([answer.status, answer.headers.get("location")]).toEqual([302, `/register/${authId}`]);
  });

  test("that is too long is refused unread", async () => {
    const { app, asked } = pages();
    const answer = await app.request(path, { method: "POST", body: "x".repeat(4097) });
    expect([answer.status, asked]).toEqual([403, []]);
  });
});
