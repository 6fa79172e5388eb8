import { BlockList, isIP } from "node:net";
import { Hono } from "hono";
import { html } from "hono/html";
import { favicon } from "./favicon.ts";
import { answerPage } from "./page/page.ts";
import { securityHeaders } from "./security-headers.ts";

/** A debug page: text for people, anything else as JSON. */
export type DebugPage = () => unknown;

export interface MetricsDeps {
  /** Prometheus text, with its content type. */
  readonly metrics: () => { readonly text: string; readonly contentType: string };
  /** Pages below `/debug/`, by name. What they return must hold no secret. */
  readonly debugPages: Readonly<Record<string, DebugPage>>;
  /** Who may read besides this machine: CIDR ranges. */
  readonly allowedSources: readonly string[];
}

/** What the listener knows about who asks; without it nobody is near. */
export interface MetricsBindings {
  readonly remoteAddress?: string | undefined;
  /** The request came with a forwarding header, which the listener may have taken away. */
  readonly isForwarded?: boolean | undefined;
}

/** `/metrics` and `/debug/…` for a listener of their own. Who is not known to be near is refused. */
export function createMetricsApp(deps: MetricsDeps): Hono<{ Bindings: MetricsBindings }> {
  const allowed = allowList(deps.allowedSources);
  const app = new Hono<{ Bindings: MetricsBindings }>();
  app.use(securityHeaders);
  app.use(async (context, next) => {
    const { remoteAddress, isForwarded } = context.env ?? {};
    // A proxy makes everybody look local, so what it forwards is refused.
    if (isForwarded || !isAllowed(allowed, remoteAddress)) return context.text(refusal, 403);
    return next();
  });
  app.get("/", (context) => context.redirect("/debug/", 302));
  app.get("/favicon.ico", (context) => context.body(favicon, 200, { "Content-Type": "image/png" }));
  app.get("/metrics", (context) => {
    const { text, contentType } = deps.metrics();
    return context.body(text, 200, { "Content-Type": contentType });
  });
  app.get("/debug", (context) => context.redirect("/debug/", 302));
  app.get("/debug/", (context) => answerPage(context, indexPage(Object.keys(deps.debugPages))));
  for (const [name, page] of Object.entries(deps.debugPages)) {
    app.get(`/debug/${name}`, async (context) => {
      const content = await page();
      return typeof content === "string"
        ? context.text(content)
        : context.body(JSON.stringify(content, undefined, 2), 200, { "Content-Type": "application/json" });
    });
  }
  app.notFound((context) => context.text("404 page not found\n", 404));
  return app;
}

const refusal =
  "Only this machine itself may read this page. Others can be named in metrics_allowed_sources; requests that came through a proxy are always refused.\n";

function allowList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  list.addSubnet("127.0.0.0", 8, "ipv4");
  list.addAddress("::1", "ipv6");
  for (const range of ranges) {
    const [address = "", bits = ""] = range.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

function isAllowed(list: BlockList, source: string | undefined): boolean {
  const address = source?.replace(/^::ffff:(?=\d+\.)/, "") ?? "";
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}

function indexPage(names: readonly string[]) {
  const body = html`<div class="card"><h1>Inside this server</h1>
<ul><li><a href="/metrics">metrics</a></li>${names.map((name) => html`<li><a href="/debug/${name}">${name}</a></li>`)}</ul></div>`;
  return { title: "Debug", body };
}
