import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fc, test as property } from "@fast-check/vitest";
import { NodeKey, publicKeyBytes } from "@headscale/tailcfg/keys";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { openToAll } from "#admission/node-verifier.ts";
import { BoxIdentity } from "#box/nacl-box.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { sealClientInfo } from "#login/client-info.ts";
import { FrameType, MAX_PACKET_BYTES, MAX_WEBSOCKET_MESSAGE_BYTES } from "#protocol.ts";
import { cutFrames, until } from "#testing/frames.ts";
import { privateKey, RELAY_KEY } from "#testing/relay-fixture.ts";
import { createRelay } from "./relay.ts";

const relayKey = new BoxIdentity(RELAY_KEY).publicKey;

async function setup(finish: (end: () => Promise<void>) => void = onTestFinished) {
  const relay = createRelay({ privateKey: RELAY_KEY, verifier: openToAll });
  const server = http.createServer();
  server.on("upgrade", (request, socket, head) => relay.accept(request, socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  finish(async () => {
    await relay.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  let number = 20;
  const open = async (...protocols: string[]) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/derp`, protocols, { origin: "https://any.test" });
    const client = new Browser(socket, new BoxIdentity(privateKey(number++)));
    await until(() => socket.readyState === WebSocket.OPEN || client.closeCode !== undefined);
    return client;
  };
  return { relay, open };
}

/** A client over a WebSocket that keeps bytes and message sizes. */
class Browser {
  readonly socket: WebSocket;
  readonly identity: BoxIdentity;
  readonly key: NodeKey;
  readonly sizes: number[] = [];
  received = Buffer.alloc(0);
  closeCode: number | undefined;

  constructor(socket: WebSocket, identity: BoxIdentity) {
    this.socket = socket;
    this.identity = identity;
    this.key = NodeKey.fromBytes(identity.publicKey);
    socket.on("error", () => {});
    socket.on("close", (code) => {
      this.closeCode = code;
    });
    socket.on("message", (data: Buffer) => {
      this.sizes.push(data.length);
      this.received = Buffer.concat([this.received, data]);
    });
  }

  get login(): Buffer {
    const sealed = sealClientInfo(this.identity.boxWith(relayKey), { canAckPings: true });
    return frameOf(FrameType.clientInfo, this.identity.publicKey, sealed);
  }

  async awaitFrames(count: number) {
    await until(() => cutFrames(this.received).frames.length >= count || this.closeCode !== undefined);
    return cutFrames(this.received).frames;
  }
}

describe("a relay over WebSocket", () => {
  test("takes the subprotocol derp from any origin, without compression, and greets first", async () => {
    const { open, relay } = await setup();
    const browser = await open("derp");
    expect([browser.socket.protocol, browser.socket.extensions]).toEqual(["derp", ""]);
    expect((await browser.awaitFrames(1))[0]?.type).toBe(FrameType.serverKey);
    browser.socket.send(browser.login);
    expect((await browser.awaitFrames(2))[1]?.type).toBe(FrameType.serverInfo);
    expect(relay.stats()).toMatchObject({ webSocketsAccepted: 1, connections: 1 });
    browser.socket.close();
    await until(() => relay.stats().connections === 0);
  });

  test("is not spoken with another subprotocol", async () => {
    const { open, relay } = await setup();
    const browser = await open("derpy");
    await until(() => browser.closeCode !== undefined);
    expect(browser.received).toHaveLength(0);
    expect(relay.stats()).toMatchObject({ webSocketsAccepted: 0, accepted: 0 });
  });

  test("takes binary messages only", async () => {
    const { open } = await setup();
    const browser = await open("derp");
    browser.socket.send("text");
    await until(() => browser.closeCode !== undefined);
    expect(browser.closeCode).toBe(1003);
  });

  test.for([
    { bytes: MAX_WEBSOCKET_MESSAGE_BYTES, code: undefined },
    { bytes: MAX_WEBSOCKET_MESSAGE_BYTES + 1, code: 1009 },
  ])("ends with $code on a message of $bytes bytes", async ({ bytes, code }) => {
    const { open } = await setup();
    const browser = await open("derp");
    browser.socket.send(browser.login);
    await browser.awaitFrames(2);
    browser.socket.send(frameOf(0x77, Buffer.alloc(bytes - 5)));
    browser.socket.send(frameOf(FrameType.ping, Buffer.alloc(8)));
    await browser.awaitFrames(3);
    expect(browser.closeCode).toBe(code);
  });

  test("sends the largest packet in messages of the size that clients take", async () => {
    const { open } = await setup();
    const [a, b] = [await open("derp"), await open("derp")];
    for (const each of [a, b]) {
      each.socket.send(each.login);
      await each.awaitFrames(2);
    }
    const packet = Buffer.alloc(MAX_PACKET_BYTES, 9);
    const frame = frameOf(FrameType.sendPacket, publicKeyBytes(b.key), packet);
    for (let at = 0; at < frame.length; at += 30_000) a.socket.send(frame.subarray(at, at + 30_000));
    const frames = await b.awaitFrames(3);
    expect(frames[2]).toEqual({ type: FrameType.recvPacket, payload: Buffer.concat([a.identity.publicKey, packet]) });
    expect(Math.max(...b.sizes)).toBeLessThanOrEqual(MAX_WEBSOCKET_MESSAGE_BYTES);
  });

  property.prop([fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 })], { numRuns: 20 })(
    "reads frames wherever messages cut them or join them",
    async (sizes) => {
      const ends: (() => Promise<void>)[] = [];
      const { open } = await setup((end) => ends.push(end));
      const browser = await open("derp");
      const pings = Array.from({ length: 5 }, (_, i) => frameOf(FrameType.ping, Buffer.alloc(8, i)));
      let rest = Buffer.concat([browser.login, ...pings]);
      for (let i = 0; rest.length > 0; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        browser.socket.send(rest.subarray(0, size));
        rest = rest.subarray(size);
      }
      // Pongs that would queue up may be left out, but not the first.
      expect((await browser.awaitFrames(3))[2]).toEqual({ type: FrameType.pong, payload: Buffer.alloc(8, 0) });
      for (const end of ends) await end();
    },
  );
});
