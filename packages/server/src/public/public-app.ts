import { randomUUID } from "node:crypto";
import type { MachineKey } from "@headscale/tailcfg/keys";
import { type Context, Hono } from "hono";
import { html } from "hono/html";
import { routePath } from "hono/route";
import { applePlatforms, appleProfile, isApplePlatform } from "./apple-profile.ts";
import { androidPage, applePage, homePage, windowsPage } from "./client-pages.ts";
import { favicon } from "./favicon.ts";
import { createKeyRoute } from "./key-route.ts";
import { createLoginPages, type LoginPagesDeps } from "./login-pages.ts";
import { answerPage } from "./page/page.ts";
import type { BodyLimits } from "./read-body.ts";
import { securityHeaders } from "./security-headers.ts";
import { createSignInPages, type SignInAuthority } from "./sign-in-pages.ts";
import { createVerifyRoute, type NodeVerifier } from "./verify-route.ts";

/** What `/version` tells. */
export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  readonly buildTime: string;
  readonly dirty: boolean;
}

export interface PublicDeps {
  /** Scheme, host and port that clients use, without a final slash. */
  readonly serverUrl: string;
  readonly noisePublicKey: MachineKey;
  readonly build: BuildInfo;
  /** Rejects while the database does not answer. */
  readonly ping: () => Promise<void>;
  readonly login: Omit<LoginPagesDeps, "serverUrl">;
  /** Absent without an identity provider. */
  readonly authority?: SignInAuthority;
  readonly verifier: NodeVerifier;
  readonly verifyLimits: BodyLimits;
  /** Whether a ping of this id was sent to a client; it is answered at most once. */
  readonly answerPing: (id: string) => boolean;
  /** Told about every answer; `route` is a pattern such as `/register/:authId`, never what the asker wrote. */
  readonly onAnswer: (answer: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    readonly seconds: number;
  }) => void;
  /** Told about what a route could not handle; the asker only learns that it failed. */
  readonly onError: (error: Error, path: string) => void;
}

/** Everything that is served outside Noise and is not the API: pages, keys, health. The relay's routes are mounted beside it. */
export function createPublicApp(deps: PublicDeps): Hono {
  const app = new Hono();
  app.use(securityHeaders);
  app.use(async (context, next) => {
    const startedAt = performance.now();
    await next();
    const { status } = context.res;
    const route = status === 404 ? "none" : routePath(context, -1);
    deps.onAnswer({ route, method: methodOf(context), status, seconds: (performance.now() - startedAt) / 1000 });
  });
  app.route("/", createStatusRoutes(deps));
  app.route("/", createKeyRoute(deps.noisePublicKey));
  const login = { ...deps.login, serverUrl: deps.serverUrl };
  app.route("/", createLoginPages(login));
  if (deps.authority) app.route("/", createSignInPages({ ...login, authority: deps.authority }));
  app.route("/", createVerifyRoute(deps.verifier, deps.verifyLimits));
  app.route("/", createClientPages(deps.serverUrl));
  app.all("/ts2021", (context) => context.text(misconfiguredProxy, 400));
  app.notFound(nothingHere);
  app.onError((error, context) => {
    deps.onError(error, context.req.path);
    return context.text("The server could not answer this request.\n", 500);
  });
  return app;
}

/** A page for people who mistyped or followed an old link, a line for programs. */
export function nothingHere(context: Context): Response | Promise<Response> {
  if (!context.req.header("accept")?.includes("text/html")) return context.text("404 page not found\n", 404);
  return answerPage(context, nothingHerePage, 404);
}

const nothingHerePage = {
  title: "Not found",
  body: html`<div class="card"><h1>There is nothing here</h1>
<p>This server has no page at this address. <a href="/">Go to the start page</a></p></div>`,
};

/** Methods are the asker's choice, and a label must not be. */
function methodOf(context: Context): string {
  const { method } = context.req;
  return ["GET", "HEAD", "POST"].includes(method) ? method : "other";
}

/** Clients always send `Upgrade` here, so a request without it has lost the header on its way. */
const misconfiguredProxy = `This address speaks the Tailscale control protocol, and the request came without its Upgrade header.
If a Tailscale client sent it, a reverse proxy in front of this server dropped the header: let the proxy pass on
POST requests with "Upgrade: tailscale-control-protocol" and "Connection: upgrade", without buffering.
`;

function createStatusRoutes({ build, ping, answerPing }: PublicDeps): Hono {
  const app = new Hono();
  app.get("/health", async (context) => {
    const isHealthy = await ping().then(
      () => true,
      () => false,
    );
    const headers = { "Content-Type": "application/health+json; charset=utf-8", "Cache-Control": "no-store" };
    return context.body(JSON.stringify({ status: isHealthy ? "pass" : "fail" }), isHealthy ? 200 : 500, headers);
  });
  app.get("/version", (context) => context.json(versionReply(build)));
  app.get("/robots.txt", (context) => context.text("User-agent: *\nDisallow: /\n"));
  app.get("/favicon.ico", (context) =>
    context.body(favicon, 200, { "Content-Type": "image/png", "Cache-Control": "max-age=86400" }),
  );
  app.all("/machine/ping-response", (context) => {
    if (context.req.raw.method !== "HEAD") return context.text("Ask with HEAD.\n", 405, { Allow: "HEAD" });
    const id = context.req.query("id");
    if (!id) return context.body(null, 400);
    return context.body(null, answerPing(id) ? 200 : 404);
  });
  return app;
}

/** Headscale's shape; its readers expect a member `go`, which here tells the runtime there is instead. */
function versionReply(build: BuildInfo) {
  return { ...build, go: { version: `node ${process.version}`, os: process.platform, arch: process.arch } };
}

function createClientPages(serverUrl: string): Hono {
  const app = new Hono();
  app.get("/", (context) => answerPage(context, homePage(serverUrl)));
  // Clients print this address when a device has to be approved. Source: tailscale cmd/tailscale/cli/up.go@de9ec7ee.
  app.get("/admin", (context) => context.redirect("/", 302));
  app.get("/windows", (context) => answerPage(context, windowsPage(serverUrl)));
  app.get("/android", (context) => answerPage(context, androidPage(serverUrl)));
  app.get("/apple", (context) => answerPage(context, applePage(serverUrl)));
  app.get("/apple/:platform", (context) => {
    const platform = context.req.param("platform");
    if (!isApplePlatform(platform))
      return context.text(`The platform must be one of ${applePlatforms.join(", ")}.\n`, 400);
    return context.body(appleProfile(platform, serverUrl, randomUUID), 200, {
      "Content-Type": "application/x-apple-aspen-config; charset=utf-8",
      "Content-Disposition": `attachment; filename="headscale-${platform}.mobileconfig"`,
    });
  });
  return app;
}
