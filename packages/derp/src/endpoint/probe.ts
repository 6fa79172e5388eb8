import type { EndpointRequest, EndpointResponse } from "./endpoint.ts";

/**
 * `/derp/probe` and `/derp/latency-check`: clients without UDP time the answer; browsers do so from other origins.
 * Source: tailscale derp/derpserver/handler.go@de9ec7ee.
 */
export function probe({ method }: EndpointRequest): EndpointResponse {
  if (method !== "GET" && method !== "HEAD")
    return { status: 405, headers: { Allow: "GET, HEAD" }, body: "bogus probe method\n" };
  return { status: 200, headers: { "Access-Control-Allow-Origin": "*" }, body: "" };
}
