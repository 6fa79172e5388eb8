import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import { ConnectError, createConnectRouter, createContextValues, type Interceptor } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Endpoint } from "@headscale/derp";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { inspectRoutes } from "hono/dev";
import { type AdminOptions, adminInterceptors, adminRoutes } from "#admin/admin.ts";
import { callerOf, clientKey, viaSocket } from "#admin/caller.ts";
import { createPublicApp, nothingHere, type PublicDeps } from "#public/public-app.ts";
import { createRestApp } from "#rest/rest-app.ts";
import { routesOf } from "#rest/routes.ts";
import { rpcDoor } from "./rpc-door.ts";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;
/** What it returns is awaited, and its failure answered. */
export type RequestHandler = (request: AnyRequest, response: AnyResponse) => unknown;

export interface DoorsOptions {
  readonly admin: AdminOptions;
  readonly public: PublicDeps;
  /** Sees every call before any other does. */
  readonly apiMetrics: Interceptor;
  /** Endpoints of the relay beside its upgrade, by path. */
  readonly relayEndpoints: Readonly<Record<string, Endpoint>>;
  readonly maxBodyBytes: number;
  /** For a call of the REST API. */
  readonly restCallMs: number;
  /** Whether a request came in by the unix socket, whose file permissions are the credential. */
  isSocket(request: AnyRequest): boolean;
  /** For the log; undefined over the unix socket. */
  clientAddress(request: AnyRequest): string | undefined;
  /** `/ts2021` and `/derp` upgrades. */
  readonly upgrades: Readonly<Record<string, (request: IncomingMessage, socket: Duplex, head: Buffer) => void>>;
}

/** Something that answers: for whoever wants to know all of what is open. */
export interface ServedRoute {
  readonly door: "rpc" | "rest" | "web" | "upgrade";
  /** In upper case; `ALL` for every method. */
  readonly method: string;
  /** A pattern such as `/register/:authId` or `/api/v1/node/{node_id}`. */
  readonly path: string;
}

/** What is served on every listener; the admin API needs no key from callers that `isSocket` vouches for. */
export interface Doors {
  readonly request: RequestHandler;
  readonly routes: readonly ServedRoute[];
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export function createDoors(options: DoorsOptions): Doors {
  const { request, routes } = httpDoor(options);
  const upgrades = Object.keys(options.upgrades).map((path) => ({ door: "upgrade", method: "GET", path }) as const);
  return {
    request,
    routes: [...routes, ...upgrades],
    upgrade(request, socket, head) {
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const serve = Object.hasOwn(options.upgrades, path) ? options.upgrades[path] : undefined;
      if (serve) serve(request, socket, head);
      else socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    },
  };
}

function httpDoor(options: DoorsOptions): Pick<Doors, "request" | "routes"> {
  const valuesFor = (request: AnyRequest) =>
    createContextValues()
      .set(viaSocket, options.isSocket(request))
      .set(clientKey, options.clientAddress(request) ?? "");
  const router = createConnectRouter({
    interceptors: [options.apiMetrics, ...adminInterceptors(options.admin)],
    readMaxBytes: options.maxBodyBytes,
    acceptCompression: [compressionGzip, compressionBrotli],
  });
  const { handlers } = adminRoutes(options.admin)(router);
  const rest = createRestApp({
    handlers,
    refuse: (context) => refusalOf(options, incoming(context)),
    contextValues: (context) => valuesFor(incoming(context)),
    version: options.public.build.version,
    maxBodyBytes: options.maxBodyBytes,
    callTimeoutMs: options.restCallMs,
  });
  const app = new Hono();
  app.all("/api/v1/*", (context) => rest.fetch(context.req.raw, context.env));
  for (const [path, endpoint] of Object.entries(options.relayEndpoints))
    app.all(path, (context) => answer(endpoint, context));
  app.route("/", createPublicApp(options.public));
  app.notFound(nothingHere);
  const pages = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return {
    request: rpcDoor({
      handlers,
      contextValues: valuesFor,
      refuses: async (request) => (await callerFrom(options, request)) instanceof ConnectError,
      fallback: (request, response) => pages(request as IncomingMessage, response as ServerResponse),
      onFailed: options.admin.events.failed,
    }),
    routes: [
      ...handlers.map(({ requestPath }) => ({ door: "rpc", method: "POST", path: requestPath }) as const),
      ...routesOf(handlers).map(({ verb, path }) => ({ door: "rest", method: verb, path: path.text }) as const),
      ...[app, rest].flatMap(pagesOf),
    ],
  };
}

function pagesOf(app: Hono): ServedRoute[] {
  const pages = inspectRoutes(app).filter(({ isMiddleware }) => !isMiddleware);
  return pages.map(({ method, path }) => ({ door: "web", method, path }));
}

function incoming(context: Context): AnyRequest {
  return (context.env as { readonly incoming: AnyRequest }).incoming;
}

function callerFrom({ admin, isSocket }: DoorsOptions, request: AnyRequest): ReturnType<typeof callerOf> {
  return callerOf(admin, isSocket(request), request.headers.authorization ?? null);
}

async function refusalOf(options: DoorsOptions, request: AnyRequest): Promise<ConnectError | undefined> {
  const caller = await callerFrom(options, request);
  if (!(caller instanceof ConnectError)) return undefined;
  const { admin, clientAddress } = options;
  admin.events.credentialRefused(clientAddress(request) ?? "");
  return caller;
}

/** Fields that HTTP/2 forbids, so that Node refuses to send them. Source: RFC 9113 §8.2.2. */
const connectionFields: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

function answer(endpoint: Endpoint, context: Context): Response {
  const reply = endpoint({
    method: context.req.method,
    header: (name) => context.req.header(name),
    query: new URL(context.req.url).searchParams,
  });
  const { status, body } = reply;
  const isHttp2 = incoming(context).httpVersionMajor === 2;
  const headers = Object.entries(reply.headers).filter(
    ([name]) => !(isHttp2 && connectionFields.has(name.toLowerCase())),
  );
  return new Response(body === "" || context.req.method === "HEAD" ? null : body, { status, headers });
}
