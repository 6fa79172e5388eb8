import { once } from "node:events";
import http, { type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, onTestFinished, test } from "vitest";
import { urlVerifier } from "./url-verifier.ts";

const nodeKey = NodeKey.fromBytes(Buffer.alloc(32, 7));

async function controller(status: number, body: string) {
  const requests: { method: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks = await request.toArray();
    requests.push({ method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(status).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/verify` };
}

describe("urlVerifier", () => {
  test("asks as derper does, without a content type", async () => {
    const { requests, url } = await controller(200, '{"Allow":true}');
    expect(await urlVerifier(url).allow(nodeKey, "192.0.2.1")).toBe(true);
    expect(await urlVerifier(url).allow(nodeKey, "")).toBe(true);
    expect(requests.map(({ body }) => JSON.parse(body))).toEqual([
      { NodePublic: nodeKey, Source: "192.0.2.1" },
      { NodePublic: nodeKey, Source: "" },
    ]);
    expect(requests[0]?.method).toBe("POST");
    expect(requests[0]?.headers).not.toHaveProperty("content-type");
  });

  test.for([
    { says: "a refusal", status: 200, body: '{"Allow":false}' },
    { says: "an answer that says nothing", status: 200, body: "{}" },
    { says: "an answer that is not quite true", status: 200, body: '{"Allow":1}' },
    { says: "null", status: 200, body: "null" },
    { says: "no JSON", status: 200, body: "true?" },
    { says: "nothing", status: 200, body: "" },
    { says: "more than four kibibytes", status: 200, body: `{"Allow":true${" ".repeat(4_096)}}` },
    { says: "an error", status: 500, body: '{"Allow":true}' },
    { says: "no such page", status: 404, body: '{"Allow":true}' },
  ])("keeps out on $says, open or not", async ({ status, body }) => {
    const { url } = await controller(status, body);
    expect(await urlVerifier(url, { failOpen: true }).allow(nodeKey, "")).toBe(false);
  });

  test.for([true, false])("does as told (%s) when nobody answers", async (failOpen) => {
    expect(await urlVerifier("http://127.0.0.1:1/", { failOpen }).allow(nodeKey, "")).toBe(failOpen);
  });
});
