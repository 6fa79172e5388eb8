import { setImmediate as turn } from "node:timers/promises";
import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { BoxIdentity } from "#box/nacl-box.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { sealClientInfo } from "#login/client-info.ts";
import { FrameType, PeerGoneReason } from "#protocol.ts";
import { until } from "#testing/frames.ts";
import { discoPacket, privateKey, RELAY_KEY, RelayFixture } from "#testing/relay-fixture.ts";

const guest = new BoxIdentity(privateKey(2));
const guestKey = NodeKey.fromBytes(guest.publicKey);
const FAST = "GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nDerp-Fast-Start: 1\r\n\r\n";
const box = guest.boxWith(new BoxIdentity(RELAY_KEY).publicKey);
const login = Buffer.concat([
  Buffer.from(FAST),
  frameOf(FrameType.clientInfo, guest.publicKey, sealClientInfo(box, {})),
]);

describe("a relay with a verifier", () => {
  test("asks it for the key and the source, and lets in whom it allows", async () => {
    const asked: unknown[] = [];
    const fixture = new RelayFixture({
      verifier: {
        allow: async (...question) => {
          asked.push(question);
          return true;
        },
      },
    });
    await fixture.wire(login).awaitFrames(2);
    expect(asked).toEqual([[guestKey, ""]]);
    expect(fixture.relay.isConnected(guestKey)).toBe(true);
    expect(fixture.events).toEqual([{ kind: "login", key: guestKey, sourceAddress: "" }]);
  });

  test.for([
    { says: "no", allow: () => false },
    { says: "no, later", allow: async () => false },
    {
      says: "nothing, by throwing",
      allow: () => {
        throw new Error("down");
      },
    },
    { says: "nothing, by failing", allow: () => Promise.reject(new Error("down")) },
    { says: "nothing in time", allow: () => new Promise<boolean>(() => {}) },
  ])("refuses before ServerInfo when it says $says", async ({ allow }) => {
    const fixture = new RelayFixture({ verifier: { allow }, limits: { verifyTimeoutMs: 10 } });
    const wire = fixture.wire(login);
    await wire.awaitEnd();
    expect(wire.frames.map(({ type }) => type)).toEqual([FrameType.serverKey]);
    expect(fixture.relay.stats()).toMatchObject({ loginsRefused: 1, connections: 0, pendingLogins: 0 });
    expect(fixture.events).toMatchObject([{ kind: "end", key: guestKey, error: { code: "not-allowed" } }]);
  });

  test("asks once while a refused client hammers, and again later", async () => {
    let now = 0;
    let asked = 0;
    const fixture = new RelayFixture({
      now: () => now,
      verifier: {
        allow: () => {
          asked += 1;
          return false;
        },
      },
    });
    for (let i = 0; i < 50; i++) await fixture.wire(login).awaitEnd();
    expect(asked).toBe(1);
    now += 10_001;
    await fixture.wire(login).awaitEnd();
    expect(asked).toBe(2);
    fixture.relay.readmit(guestKey);
    await fixture.wire(login).awaitEnd();
    expect(asked).toBe(3);
  });

  test("does not ask for a client whose box does not open", async () => {
    const fixture = new RelayFixture({
      verifier: {
        allow: () => {
          throw new Error("asked");
        },
      },
    });
    const forged = Buffer.from(login);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    await fixture.wire(forged).awaitEnd();
    expect(fixture.relay.stats()).toMatchObject({ loginsFailed: 1, loginsRefused: 0 });
  });

  test("holds what a client sends while the verifier thinks, and then works it off", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const fixture = new RelayFixture({ verifier: { allow: () => verdict.promise } });
    const wire = fixture.wire(Buffer.concat([login, frameOf(FrameType.ping, Buffer.alloc(8, 1))]));
    await wire.awaitFrames(1);
    wire.socket.write(frameOf(FrameType.ping, Buffer.alloc(8, 2)));
    verdict.resolve(true);
    const frames = await wire.awaitFrames(4);
    expect(frames.map(({ type }) => type)).toEqual([
      FrameType.serverKey,
      FrameType.serverInfo,
      FrameType.pong,
      FrameType.pong,
    ]);
  });
});

describe("a login that the verifier has yet to judge", () => {
  test("hears nothing before ServerInfo, whatever others send to it or the relay has to say", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const fixture = new RelayFixture({ verifier: { allow: (key) => (key === guestKey ? verdict.promise : true) } });
    const other = await fixture.join();
    const wire = fixture.wire(login);
    await wire.awaitFrames(1);
    for (const packet of [Buffer.from("data"), discoPacket()]) other.send(guestKey, packet);
    fixture.relay.notifyHealth("trouble");
    fixture.relay.notifyRestarting(1, 2);
    await other.settle();
    expect(other.of("peer-gone")).toMatchObject([{ peer: guestKey, reason: PeerGoneReason.notHere }]);
    verdict.resolve(true);
    await fixture.awaitConnections(2);
    other.send(guestKey, Buffer.from("data"));
    const frames = await wire.awaitFrames(4);
    expect(frames.map(({ type }) => type)).toEqual([
      FrameType.serverKey,
      FrameType.serverInfo,
      FrameType.health,
      FrameType.recvPacket,
    ]);
  });

  test("costs bounded memory, whatever the client sends meanwhile", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const fixture = new RelayFixture({ verifier: { allow: () => verdict.promise } });
    const wire = fixture.wire(login);
    await wire.awaitFrames(1);
    const flood = frameOf(FrameType.sendPacket, Buffer.alloc(50_000));
    for (let i = 0; i < 200; i++) wire.socket.write(flood);
    for (let i = 0; i < 100; i++) await turn();
    expect(fixture.relay.stats().heldBytes).toBeLessThan(200_000);
    wire.socket.write(frameOf(FrameType.ping, Buffer.alloc(8)));
    verdict.resolve(true);
    const frames = await wire.awaitFrames(3);
    expect(frames[2]?.type).toBe(FrameType.pong);
    expect(fixture.relay.stats().packetsReceived).toBe(200);
  });
});

describe("disconnect", () => {
  test("closes every connection of a key, and of no other", async () => {
    const fixture = new RelayFixture();
    const [first, second, other] = [
      await fixture.join({ privateKey: privateKey(2) }),
      await fixture.join({ privateKey: privateKey(2) }),
      await fixture.join(),
    ];
    expect(fixture.relay.disconnect(guestKey)).toBe(2);
    expect(fixture.relay.isConnected(guestKey)).toBe(false);
    await until(() => first.over && second.over);
    await other.settle();
    expect(fixture.relay.disconnect(guestKey)).toBe(0);
  });

  test("ends a login that the verifier has yet to judge, or allowed before the node was deleted", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const fixture = new RelayFixture({ verifier: { allow: () => verdict.promise } });
    const wire = fixture.wire(login);
    await wire.awaitFrames(1);
    await until(() => fixture.relay.disconnect(guestKey) === 1);
    verdict.resolve(true);
    await wire.awaitEnd();
    expect(wire.frames.map(({ type }) => type)).toEqual([FrameType.serverKey]);
    expect(fixture.relay.stats()).toMatchObject({ connections: 0, pendingLogins: 0 });
  });
});
