import type { IncomingMessage, ServerResponse } from "node:http";
import { isIPv6 } from "node:net";
import type { Endpoint, EndpointRequest, EndpointResponse } from "#endpoint/endpoint.ts";
import { generate204 } from "#endpoint/generate-204.ts";
import { probe } from "#endpoint/probe.ts";

/** For pages a browser may show. Source: tailscale tsweb/tsweb.go AddBrowserHeaders@de9ec7ee. */
const BROWSER_HEADERS = {
  "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'self'",
  "X-Frame-Options": "DENY",
  "X-Content-Type-Options": "nosniff",
};

const HOME = `<!doctype html><html lang="en"><title>DERP</title><p>This is a DERP relay: it carries the encrypted packets of Tailscale clients that cannot reach each other directly.`;

/** The pages beside `/derp`, on the TLS port. */
export function pages(bootstrapDns: Endpoint): Readonly<Record<string, Endpoint>> {
  const page =
    (type: string, body: string): Endpoint =>
    () => ({
      status: 200,
      headers: { "Content-Type": type, ...BROWSER_HEADERS },
      body,
    });
  return {
    "/derp/probe": probe,
    "/derp/latency-check": probe,
    "/generate_204": generate204,
    "/bootstrap-dns": (request) => {
      const response = bootstrapDns(request);
      return { ...response, headers: { ...response.headers, ...BROWSER_HEADERS } };
    },
    "/robots.txt": page("text/plain; charset=utf-8", "User-agent: *\nDisallow: /\n"),
    "/": page("text/html; charset=utf-8", HOME),
    "/derp": () => ({ status: 426, headers: { Upgrade: "DERP" }, body: "DERP requires connection upgrade\n" }),
  };
}

/** Port 80: the captive-portal check must be answered there as it is; everything else belongs to TLS. */
export function plainPages(hostname: string): (path: string, request: EndpointRequest) => EndpointResponse {
  const host = isIPv6(hostname) ? `[${hostname}]` : hostname;
  return (path, request) => {
    if (path === "/generate_204") return generate204(request);
    if (request.method !== "GET" && request.method !== "HEAD")
      return { status: 400, headers: { Connection: "close" }, body: "use HTTPS\n" };
    return { status: 302, headers: { Location: `https://${host}${path}`, Connection: "close" }, body: "" };
  };
}

/** Serves one request of `node:http` by a function of what endpoints look at. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (path: string, request: EndpointRequest) => EndpointResponse | undefined,
): void {
  const [path = "/", query] = (request.url ?? "/").split("?", 2);
  const result = answer(path, {
    method: request.method ?? "GET",
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    query: new URLSearchParams(query),
  }) ?? { status: 404, headers: {}, body: "not found\n" };
  response.writeHead(result.status, result.headers);
  response.end(request.method === "HEAD" ? "" : result.body);
  request.resume();
}
