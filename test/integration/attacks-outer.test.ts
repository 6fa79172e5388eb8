import { randomBytes } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { RawClient } from "@headscale/server/edge/testing/raw-client";
import { describe, expect, test } from "vitest";
import { TestDaemon } from "../support/daemon.ts";
import { ask } from "../support/plain-http.ts";

const relay = { server: { enabled: true, stun_listen_addr: "127.0.0.1:0" }, urls: [] };
const derp = "GET /derp HTTP/1.1\r\nHost: a\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n";
const webSocket = (path: string, protocol: string) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`;

/** A masked frame (RFC 6455 §5.2), masked with zeros. */
function webSocketFrame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const size = length < 126 ? Buffer.from([0x80 | length]) : Buffer.from([0x80 | 126, length >> 8, length & 255]);
  return Buffer.concat([Buffer.from([first]), size, Buffer.alloc(4), payload]);
}

async function lab(limits: Readonly<Record<string, unknown>> = {}) {
  const daemon = await TestDaemon.start({ config: { derp: relay, limits } });
  const port = Number(new URL(daemon.url).port);
  const healthy = async () => (await ask(daemon.url, { path: "/health" })).status === 200;
  return { daemon, port, healthy };
}

describe("an upgrade that is refused", () => {
  const upgrade = (path: string, field = "") =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n${field}\r\n`;
  test.for([
    { says: "without a handshake", text: upgrade("/ts2021"), status: "400" },
    { says: "with half of one", text: upgrade("/ts2021", "X-Tailscale-Handshake: AIMBAGA=\r\n"), status: "400" },
    {
      says: "with garbage for one",
      text: upgrade(
        "/ts2021",
        `X-Tailscale-Handshake: ${Buffer.concat([Buffer.from([0, 131, 1, 0, 96]), randomBytes(96)]).toString("base64")}\r\n`,
      ),
      status: "400",
    },
    { says: "of a path that has none", text: upgrade("/x"), status: "404" },
    {
      says: "by WebSocket without a handshake",
      text: webSocket("/ts2021", "tailscale-control-protocol"),
      status: "400",
    },
  ])("$says is hung up on, though the other side stays", async ({ text, status }) => {
    const { daemon, port, healthy } = await lab({ refusal_timeout: "100ms" });
    await using _daemon = daemon;
    // Half-open: it never closes its own side.
    using client = await RawClient.connect(port, "127.0.0.2");
    client.say(text);
    expect(await client.hear(/^HTTP\/1\.1 \d+/)).toContain(`HTTP/1.1 ${status}`);
    await client.closed;
    await expect.poll(() => client.say("x").socket.destroyed).toBe(true);
    expect(await healthy()).toBe(true);
  });
});

describe("a relay's client that does not log in", () => {
  test("keeps its own address from more of the kind, and nobody else", async () => {
    const { daemon, port } = await lab({ relay: { logins_per_address: 2 } });
    await using _daemon = daemon;
    const held = [await RawClient.connect(port, "127.0.0.2"), await RawClient.connect(port, "127.0.0.2")];
    for (const client of held) await client.say(derp).hear(/101 Switching/);
    using third = await RawClient.connect(port, "127.0.0.2");
    expect(await third.say(derp).hearAll()).toContain("503");
    using other = await RawClient.connect(port, "127.0.0.3");
    await other.say(derp).hear(/101 Switching/);
    for (const client of held) client[Symbol.dispose]();
  });

  test("is hung up on in time, by WebSocket too", async () => {
    const { daemon, port } = await lab({ relay: { login_timeout: "100ms" } });
    await using _daemon = daemon;
    using plain = await RawClient.connect(port, "127.0.0.2");
    await plain.say(derp).closed;
    using framed = await RawClient.connect(port, "127.0.0.2");
    await framed.say(Buffer.concat([Buffer.from(webSocket("/derp", "derp")), webSocketFrame(0x82, randomBytes(3))]))
      .closed;
  });
});

describe("a WebSocket", () => {
  test.for([
    {
      says: "a message without end",
      bytes: (n: number) => webSocketFrame(n === 0 ? 0x02 : 0x00, Buffer.alloc(10_000)),
    },
    { says: "text", bytes: () => webSocketFrame(0x81, Buffer.from("hello")) },
    {
      says: "pings whose answers it does not read",
      bytes: () => webSocketFrame(0x89, Buffer.alloc(125)),
      silent: true,
    },
  ])("that sends $says is hung up on", async ({ bytes, silent }) => {
    const { daemon, port, healthy } = await lab();
    await using _daemon = daemon;
    using client = await RawClient.connect(port, "127.0.0.2");
    await client.say(webSocket("/derp", "derp")).hear(/101 Switching/);
    if (silent) client.socket.pause();
    let hasHungUp = false;
    void client.closed.then(() => {
      hasHungUp = true;
    });
    for (let n = 0; n < 50_000 && !hasHungUp; n++) {
      if (client.socket.write(bytes(n))) continue;
      await Promise.race([new Promise((resolve) => client.socket.once("drain", resolve)), client.closed]);
    }
    client.socket.resume();
    await client.closed;
    expect(await healthy()).toBe(true);
  });
});

describe("a call without a credential", () => {
  const paths = {
    rest: "/api/v1/user",
    rpc: "/headscale.v1.HeadscaleService/CreateUser",
  };
  test.for([
    { door: paths.rest, type: "application/json", answer: "401" },
    { door: paths.rpc, type: "application/json", answer: "401" },
    { door: paths.rpc, type: "application/proto", answer: "401" },
    { door: paths.rpc, type: "application/grpc-web+proto", answer: "200" },
  ])("to $door as $type is answered before its body has come", async ({ door, type, answer }) => {
    const { daemon, port } = await lab();
    await using _daemon = daemon;
    using client = await RawClient.connect(port, "127.0.0.2");
    client.say(`POST ${door} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 3000000\r\n\r\n{`);
    expect(await client.hear(/\r\n\r\n/)).toContain(`HTTP/1.1 ${answer}`);
    await client.closed;
  });

  test("by gRPC is answered in trailers before its body has come", async () => {
    const { daemon } = await lab();
    await using _daemon = daemon;
    const session = connectHttp2(daemon.url);
    const stream = session.request({
      ":method": "POST",
      ":path": paths.rpc,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.write(Buffer.from([0, 0, 45, 0, 0]));
    const status = await new Promise((resolve) => {
      stream
        .once("trailers", (trailers) => resolve(trailers["grpc-status"]))
        .once("response", (headers) => {
          if (headers["grpc-status"] !== undefined) resolve(headers["grpc-status"]);
        });
      stream.resume().on("error", () => {});
    });
    expect(status).toBe("16");
    session.destroy();
  });
});
