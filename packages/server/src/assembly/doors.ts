import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import { createConnectRouter, createContextValues, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Endpoint } from "@headscale/derp";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { type AdminOptions, adminInterceptors, adminRoutes } from "#admin/admin.ts";
import { viaSocket } from "#admin/caller.ts";
import { createPublicApp, type PublicDeps } from "#public/public-app.ts";
import { createRestApp } from "#rest/rest-app.ts";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;
export type RequestHandler = (request: AnyRequest, response: AnyResponse) => void;

export interface DoorsOptions {
  readonly admin: AdminOptions;
  readonly public: PublicDeps;
  /** Sees every call before any other does. */
  readonly apiMetrics: Interceptor;
  /** Endpoints of the relay beside its upgrade, by path. */
  readonly relayEndpoints: Readonly<Record<string, Endpoint>>;
  readonly maxBodyBytes: number;
  /** Whether a request came in by the unix socket, whose file permissions are the credential. */
  isSocket(request: AnyRequest): boolean;
  /** `/ts2021` and `/derp` upgrades. */
  readonly upgrades: Readonly<Record<string, (request: IncomingMessage, socket: Duplex, head: Buffer) => void>>;
}

/** What is served on every listener; the admin API needs no key from callers that `isSocket` vouches for. */
export interface Doors {
  readonly request: RequestHandler;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export function createDoors(options: DoorsOptions): Doors {
  return {
    request: requestHandler(options),
    upgrade(request, socket, head) {
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const serve = Object.hasOwn(options.upgrades, path) ? options.upgrades[path] : undefined;
      if (serve) serve(request, socket, head);
      else socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    },
  };
}

function requestHandler(options: DoorsOptions): RequestHandler {
  const valuesFor = (request: AnyRequest) => createContextValues().set(viaSocket, options.isSocket(request));
  const routes = adminRoutes(options.admin);
  const interceptors = [options.apiMetrics, ...adminInterceptors(options.admin)];
  const shared = { interceptors, readMaxBytes: options.maxBodyBytes };
  const rest = createRestApp({
    handlers: routes(createConnectRouter(shared)).handlers,
    contextValues: (context) => valuesFor((context.env as { incoming: AnyRequest }).incoming),
    version: options.public.build.version,
    maxBodyBytes: options.maxBodyBytes,
  });
  const app = new Hono();
  app.all("/api/v1/*", (context) => rest.fetch(context.req.raw, context.env));
  for (const [path, endpoint] of Object.entries(options.relayEndpoints))
    app.all(path, (context) => answer(endpoint, context));
  app.route("/", createPublicApp(options.public));
  const fallback = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const handler = connectNodeAdapter({
    ...shared,
    routes: (router) => void routes(router),
    contextValues: valuesFor,
    fallback: (request, response) => void fallback(request as IncomingMessage, response as ServerResponse),
  });
  return (request, response) => handler(request as IncomingMessage, response as ServerResponse);
}

function answer(endpoint: Endpoint, context: Context): Response {
  const { status, headers, body } = endpoint({
    method: context.req.method,
    header: (name) => context.req.header(name),
    query: new URL(context.req.url).searchParams,
  });
  return new Response(body === "" || context.req.method === "HEAD" ? null : body, { status, headers: { ...headers } });
}
