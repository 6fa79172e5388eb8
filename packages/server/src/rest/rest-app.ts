import type { DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { toContractJson } from "@headscale/gen/contract-json";
import { type Context, Hono } from "hono";
import { docsPage } from "./docs-page.ts";
import { errorReply } from "./error-reply.ts";
import { inProcessTransport } from "./in-process.ts";
import { openApiDocument } from "./openapi.ts";
import { readText } from "./read-text.ts";
import { requestMessage } from "./request-message.ts";
import { findRoute, type Route, routesOf } from "./routes.ts";
import { streamReply } from "./stream-reply.ts";

export interface RestAppOptions {
  /** The admin services as Connect serves them: `createConnectRouter(…).handlers`, interceptors included. */
  readonly handlers: readonly UniversalHandler[];
  /** What the transport knows about a caller that no header may say, such as "came in by the unix socket". */
  readonly contextValues?: (context: Context) => ContextValues | undefined;
  /** Says no to a caller before the path is looked up and a byte of the body is read; the services decide again. */
  readonly refuse?: (context: Context) => Promise<ConnectError | undefined>;
  /** The server's version, for the OpenAPI document. */
  readonly version: string;
  readonly maxBodyBytes?: number;
  /** How long a unary call may take. */
  readonly callTimeoutMs?: number;
}

/** Headers that the services see: the credential, because one check decides for every door, and what logs want. */
const passedHeaders = ["authorization", "user-agent", "x-forwarded-for", "x-request-id"];

/**
 * REST under `/api/v1`, transcoded from the services' `google.api.http` annotations: there are no other routes but the
 * OpenAPI document (`openapi.json`) and a page that shows it (`docs`), both public.
 */
export function createRestApp(options: RestAppOptions): Hono {
  const { maxBodyBytes = 4 << 20, version } = options;
  const routes = routesOf(options.handlers);
  const document = openApiDocument(routes, version);
  const app = new Hono();
  const accept = (context: Context) => context.req.header("accept") ?? "";

  app.get("/api/v1/openapi.json", (context) => context.json(document));
  app.get("/api/v1/docs", (context) => context.html(docsPage(document)));
  app.use("/api/v1/*", async (context, next) => {
    const refusal = await options.refuse?.(context);
    return refusal ? errorReply(refusal, accept(context)) : next();
  });
  app.all("/api/v1/*", async (context) => {
    const found = findRoute(routes, context.req.method, new URL(context.req.url).pathname);
    if (found.kind === "nothing") return errorReply(new ConnectError("Not Found", Code.NotFound), accept(context));
    if (found.kind === "other-verbs") {
      // Not 405: clients of headscale 0.29 know this answer of its gateway.
      const reply = errorReply(new ConnectError("Method Not Allowed", Code.Unimplemented), accept(context));
      reply.headers.set("allow", found.verbs.join(", "));
      return reply;
    }
    try {
      const body = await readText(context.req.raw, maxBodyBytes);
      if (body === undefined) return errorReply(tooLarge(maxBodyBytes), accept(context), 413);
      return await call(context, found.route, { bound: found.bound, body }, options);
    } catch (error) {
      return errorReply(ConnectError.from(error), accept(context));
    }
  });
  return app;
}

function tooLarge(maxBytes: number): ConnectError {
  return new ConnectError(`body: larger than ${maxBytes} bytes`, Code.ResourceExhausted);
}

async function call(
  context: Context,
  route: Route,
  { bound, body }: { readonly bound: ReadonlyMap<string, string>; readonly body: string },
  { contextValues, callTimeoutMs = 60_000 }: RestAppOptions,
): Promise<Response> {
  const { raw } = context.req;
  const message = requestMessage(route, {
    bound,
    query: new URL(raw.url).searchParams,
    contentType: context.req.header("content-type") ?? "",
    body,
  });
  const header = new Headers();
  for (const name of passedHeaders) {
    const value = raw.headers.get(name);
    if (value !== null) header.set(name, value);
  }
  const transport = inProcessTransport(route.handler, contextValues?.(context));
  if (route.method.methodKind === "unary") {
    const reply = await transport.unary(route.method as DescMethodUnary, raw.signal, callTimeoutMs, header, message);
    return context.json(toContractJson(route.method.output, reply.message) as object);
  }
  const hangUp = new AbortController();
  const signal = AbortSignal.any([raw.signal, hangUp.signal]);
  const method = route.method as DescMethodStreaming;
  const reply = await transport.stream(method, signal, undefined, header, once(message));
  return streamReply(method.output, reply.message, () => hangUp.abort());
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value;
}
