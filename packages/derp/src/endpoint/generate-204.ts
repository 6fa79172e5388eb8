import type { EndpointRequest, EndpointResponse } from "./endpoint.ts";

const CHALLENGE = /^[A-Za-z0-9._:-]{1,64}$/;

/**
 * `/generate_204`, on port 80 too: a captive portal answers it with something else, or cannot answer the challenge.
 * Source: tailscale derp/derpserver/handler.go@de9ec7ee.
 */
export function generate204({ header }: EndpointRequest): EndpointResponse {
  const challenge = header("x-tailscale-challenge") ?? "";
  return {
    status: 204,
    headers: {
      "Cache-Control": "no-cache, no-store, must-revalidate, no-transform, max-age=0",
      ...(CHALLENGE.test(challenge) && { "X-Tailscale-Response": `response ${challenge}` }),
    },
    body: "",
  };
}
