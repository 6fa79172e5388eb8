import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestDaemon } from "../support/daemon.ts";
import { ask } from "../support/plain-http.ts";

let daemon: TestDaemon;
let session: ClientHttp2Session;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  session = connect(daemon.url);
});
afterAll(async () => {
  session?.destroy();
  await daemon?.[Symbol.asyncDispose]();
});

async function askHttp2(method: string, path: string, headers: Record<string, string> = {}) {
  const stream = session.request({ ":method": method, ":path": path, ...headers });
  stream.end();
  const [answer] = await once(stream, "response");
  return { status: answer[":status"], headers: answer, body: await text(stream) };
}

const paths = ["/", "/health", "/key?v=140", "/version", "/ts2021", "/verify", "/machine/ping-response", "/nowhere"];
const relayPaths = ["/derp", "/derp/probe", "/derp/latency-check", "/generate_204", "/bootstrap-dns"];
const rows = [...paths, ...relayPaths].flatMap((path) =>
  ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].map((method) => ({ method, path })),
);

describe("the pages of a running server", () => {
  test.for(rows)("$method $path is answered alike over HTTP/1.1 and HTTP/2", async ({ method, path }) => {
    const over1 = await ask(daemon.url, { method, path });
    const over2 = await askHttp2(method, path);
    expect(over2.status).toBe(over1.status);
    expect(over2.status).toBeLessThan(500);
    expect(over2.body).toBe(over1.body);
  });

  test("a relay asked without an upgrade says what it wants, in the words of either protocol", async () => {
    expect(await ask(daemon.url, { path: "/derp" })).toMatchObject({ status: 426, headers: { upgrade: "DERP" } });
    const { status, headers, body } = await askHttp2("GET", "/derp");
    expect([status, body]).toEqual([426, "DERP requires connection upgrade\n"]);
    expect(headers).not.toHaveProperty("upgrade");
  });

  test("the captive-portal challenge is answered over HTTP/2 too", async () => {
    const { status, headers } = await askHttp2("GET", "/generate_204", { "x-tailscale-challenge": "ts_192.0.2.1" });
    expect([status, headers["x-tailscale-response"]]).toEqual([204, "response ts_192.0.2.1"]);
  });

  test.for(["/debug", "/debug/", "/debug/derp", "/debug/pprof/", "/debug/vars", "/metrics"])(
    "%s is not among them",
    async (path) => {
      expect((await ask(daemon.url, { path })).status).toBe(404);
    },
  );
});
