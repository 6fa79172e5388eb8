import { describe, expect, test } from "vitest";
import { BoxIdentity } from "#box/nacl-box.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { sealClientInfo } from "#login/client-info.ts";
import { openServerInfo } from "#login/server-info.ts";
import { FrameType, MAGIC } from "#protocol.ts";
import { until } from "#testing/frames.ts";
import { privateKey, RELAY_KEY, RelayFixture } from "#testing/relay-fixture.ts";

const relayIdentity = new BoxIdentity(RELAY_KEY);
const client = new BoxIdentity(privateKey(2));
const box = client.boxWith(relayIdentity.publicKey);
const FAST =
  "GET /derp HTTP/1.1\r\nHost: relay.test\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nDerp-Fast-Start: 1\r\n\r\n";
const clientInfo = frameOf(FrameType.clientInfo, client.publicKey, sealClientInfo(box, { canAckPings: true }));
const serverKey = frameOf(FrameType.serverKey, MAGIC, relayIdentity.publicKey);

describe("a login", () => {
  test("of a fast start comes along with the request, and no HTTP answer precedes the relay's key", async () => {
    const fixture = new RelayFixture();
    expect(clientInfo).toHaveLength(109);
    const wire = fixture.wire(Buffer.concat([Buffer.from(FAST), clientInfo]));
    const frames = await wire.awaitFrames(2);
    expect(wire.received.subarray(0, serverKey.length)).toEqual(serverKey);
    expect(frames[1]?.type).toBe(FrameType.serverInfo);
    expect(openServerInfo(box, frames[1]?.payload ?? Buffer.alloc(0))).toEqual({ version: 2 });
    expect(fixture.relay.stats()).toMatchObject({ fastStarts: 1, connections: 1 });
  });

  test("without fast start gets the 101 answer first", async () => {
    const wire = new RelayFixture().wire(FAST.replace(/Derp-Fast-Start.*\r\n/, ""));
    await until(() => wire.received.includes(MAGIC));
    const [head, rest] = [wire.received.subarray(0, wire.received.indexOf("\r\n\r\n")).toString(), "\r\n\r\n"];
    expect(head.split("\r\n")).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: DERP",
      "Connection: Upgrade",
      "Derp-Version: 2",
      `Derp-Public-Key: ${relayIdentity.publicKey.toString("hex")}`,
    ]);
    expect(wire.received.subarray(head.length + rest.length)).toEqual(serverKey);
  });

  test("is the same wherever its bytes are cut, and what follows it in one piece is not lost", async () => {
    const fixture = new RelayFixture();
    const bytes = Buffer.concat([
      clientInfo,
      frameOf(FrameType.notePreferred, Buffer.of(1)),
      frameOf(FrameType.ping, Buffer.alloc(8, 5)),
    ]);
    for (let at = 0; at <= bytes.length; at++) {
      const wire = fixture.wire(Buffer.concat([Buffer.from(FAST), bytes.subarray(0, at)]));
      await wire.awaitFrames(1);
      wire.socket.write(bytes.subarray(at));
      const frames = await wire.awaitFrames(3);
      expect(frames.map(({ type }) => type)).toEqual([FrameType.serverKey, FrameType.serverInfo, FrameType.pong]);
      expect(fixture.relay.stats().homeConnections).toBe(1);
      wire.socket.destroy();
      await until(() => fixture.relay.stats().connections === 0);
    }
  });

  test.for([
    { says: "a ClientInfo of 55 bytes", bytes: frameOf(FrameType.clientInfo, Buffer.alloc(55)) },
    { says: "a ClientInfo of 262,145 bytes", bytes: Buffer.from("0200040001", "hex") },
    { says: "a ClientInfo of 4 GiB", bytes: Buffer.from("02ffffffff", "hex") },
    { says: "another frame first", bytes: frameOf(FrameType.ping, Buffer.alloc(8)) },
    { says: "a box of zeros", bytes: frameOf(FrameType.clientInfo, client.publicKey, Buffer.alloc(72)) },
    {
      says: "somebody else's box",
      bytes: frameOf(FrameType.clientInfo, new BoxIdentity(privateKey(9)).publicKey, clientInfo.subarray(37)),
    },
    { says: "the zero key", bytes: frameOf(FrameType.clientInfo, Buffer.alloc(32), Buffer.alloc(72)) },
    {
      says: "a low-order key",
      bytes: frameOf(FrameType.clientInfo, Buffer.of(1, ...Buffer.alloc(31)), Buffer.alloc(72)),
    },
    { says: "JSON that is none", bytes: frameOf(FrameType.clientInfo, client.publicKey, box.seal(Buffer.from("{"))) },
    {
      says: "a malformed mesh key",
      bytes: frameOf(FrameType.clientInfo, client.publicKey, box.seal(Buffer.from('{"meshKey":""}'))),
    },
    { says: "garbage", bytes: Buffer.from("GET / HTTP/1.1\r\n\r\n") },
  ])("with $says ends without a word", async ({ bytes }) => {
    const fixture = new RelayFixture();
    const wire = fixture.wire(Buffer.concat([Buffer.from(FAST), bytes]));
    await wire.awaitEnd();
    expect(wire.frames.filter(({ type }) => type !== FrameType.serverKey)).toEqual([]);
    expect(fixture.relay.stats()).toMatchObject({ connections: 0, pendingLogins: 0, loginsFailed: 1 });
    expect(fixture.events.map(({ kind }) => kind)).toEqual(["end"]);
  });

  test("that never comes ends in time", async () => {
    const fixture = new RelayFixture({ limits: { loginTimeoutMs: 20 } });
    await fixture.wire(FAST).awaitEnd();
    expect(fixture.events[0]?.error?.code).toBe("too-slow");
  });

  test.for([
    {
      says: "no upgrade at all",
      head: "GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
      status: 426,
    },
    {
      says: "a body",
      head: "GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nContent-Length: 5\r\n\r\nhello",
      status: 400,
    },
    {
      says: "a chunked body",
      head: "GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      status: 400,
    },
  ])("by a request with $says is answered $status", async ({ head, status }) => {
    const wire = new RelayFixture().wire(head);
    await wire.awaitEnd();
    expect(wire.received.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test("by any method, any case of the word, and by an ancient client's WebSocket without subprotocol is raw DERP", async () => {
    const fixture = new RelayFixture();
    for (const head of ["POST /derp HTTP/1.1\r\nUpgrade: derp", "GET /derp HTTP/1.1\r\nUpgrade: WebSocket"]) {
      const wire = fixture.wire(`${head}\r\nHost: a\r\nConnection: Upgrade\r\nDerp-Fast-Start: 1\r\n\r\n`);
      expect((await wire.awaitFrames(1)).map(({ type }) => type)).toEqual([FrameType.serverKey]);
    }
  });

  test("is refused when the relay has as many under way as it may", async () => {
    const fixture = new RelayFixture({ limits: { pendingLogins: 1 } });
    await fixture.wire(FAST).awaitFrames(1);
    const second = fixture.wire(FAST);
    await second.awaitEnd();
    expect(second.received.toString()).toMatch(/^HTTP\/1\.1 503 /);
  });

  test("is refused when its address has as many connections as it may", async () => {
    const fixture = new RelayFixture({ limits: { connectionsPerAddress: 1 } });
    const first = await fixture.join();
    const second = fixture.wire(FAST);
    await second.awaitEnd();
    expect(second.received.toString()).toMatch(/^HTTP\/1\.1 503 /);
    first.close();
    await until(() => fixture.relay.stats().connections === 0);
    await fixture.join();
  });
});
