import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { frameOf } from "#frame/frame-bytes.ts";
import { FrameType, MAX_PACKET_BYTES, PeerGoneReason } from "#protocol.ts";
import { until } from "#testing/frames.ts";
import { discoPacket, privateKey, RelayFixture, type TestClient } from "#testing/relay-fixture.ts";

const stranger = NodeKey.fromBytes(Buffer.alloc(32, 0x77));
const text = (words: string) => Buffer.from(words);

async function closes(fixture: RelayFixture, client: TestClient): Promise<string | undefined> {
  await until(() => client.over);
  await until(() => fixture.events.some(({ kind }) => kind === "end"));
  return fixture.events.find(({ kind }) => kind === "end")?.error?.code;
}

describe("a relay", () => {
  test("carries packets to whom they are for, says from whom, and shows them to nobody else", async () => {
    const fixture = new RelayFixture();
    const [a, b, c] = [await fixture.join(), await fixture.join(), await fixture.join()];
    a.send(b.publicKey, text("a to b"));
    await b.awaitCount("packet", 1);
    b.send(c.publicKey, text("b to c"));
    await c.awaitCount("packet", 1);
    c.send(c.publicKey, text("to myself"));
    await c.awaitCount("packet", 2);
    for (const client of [a, b, c]) await client.settle();
    expect(a.packets).toEqual([]);
    expect(b.packets).toEqual([[a.publicKey, "a to b"]]);
    expect(c.packets).toEqual([
      [b.publicKey, "b to c"],
      [c.publicKey, "to myself"],
    ]);
  });

  test.for([0, 1, 1_200, 40_000, MAX_PACKET_BYTES])("carries a packet of %d bytes unchanged", async (length) => {
    const fixture = new RelayFixture();
    const [a, b] = [await fixture.join(), await fixture.join()];
    const packet = Buffer.alloc(length).map((_, i) => i * 7) as Buffer;
    a.send(b.publicKey, packet);
    await b.awaitCount("packet", 1);
    expect(b.of("packet")[0]?.packet).toEqual(packet);
  });

  test("keeps the order of a thousand packets", async () => {
    const fixture = new RelayFixture();
    const [a, b] = [await fixture.join(), await fixture.join()];
    const sent = Array.from({ length: 1_000 }, (_, i) => `packet ${i}`);
    for (const words of sent) a.send(b.publicKey, text(words));
    await b.awaitCount("packet", sent.length);
    expect(b.packets.map(([, words]) => words)).toEqual(sent);
  });

  test.for([
    { says: "a SendPacket without a whole key", frame: frameOf(FrameType.sendPacket, Buffer.alloc(31)) },
    { says: "a packet of 65,537 bytes", frame: frameOf(FrameType.sendPacket, Buffer.alloc(32 + 65_537)) },
    { says: "a packet of 4 GiB", frame: Buffer.from("04ffffffff", "hex") },
    { says: "an empty NotePreferred", frame: frameOf(FrameType.notePreferred) },
    { says: "a NotePreferred of two bytes", frame: frameOf(FrameType.notePreferred, Buffer.alloc(2)) },
    { says: "a ping of seven bytes", frame: frameOf(FrameType.ping, Buffer.alloc(7)) },
    { says: "a ping of 1,001 bytes", frame: frameOf(FrameType.ping, Buffer.alloc(1_001)) },
    { says: "an unknown frame of more than 65,568 bytes", frame: Buffer.from("7700010021", "hex") },
  ])("closes on $says", async ({ frame }) => {
    const fixture = new RelayFixture();
    const client = await fixture.join();
    client.write(frame);
    expect(await closes(fixture, client)).toBe("bad-frame");
  });

  test.for([
    { says: "WatchConns", frame: frameOf(FrameType.watchConns) },
    { says: "ClosePeer", frame: frameOf(FrameType.closePeer, Buffer.alloc(32)) },
    { says: "ForwardPacket", frame: frameOf(FrameType.forwardPacket, Buffer.alloc(70)) },
  ])("closes on $says of a client without the mesh key", async ({ frame }) => {
    const fixture = new RelayFixture();
    const client = await fixture.join();
    client.write(frame);
    expect(await closes(fixture, client)).toBe("no-mesh-right");
  });

  test("passes over frames it does not know, or that only relays send, and goes on", async () => {
    const fixture = new RelayFixture();
    const client = await fixture.join();
    for (const type of [0x00, 0x01, 0x03, 0x05, 0x09, 0x0b, 0x13, 0x16, 0x77, 0xff])
      client.write(frameOf(type, Buffer.alloc(99)));
    client.write(frameOf(0x77, Buffer.alloc(65_568)));
    await client.settle();
    expect(client.over).toBe(false);
    expect(fixture.relay.stats().unknownFrames).toBe(10);
  });

  test("drops data for an unknown key without a word, and counts it", async () => {
    const fixture = new RelayFixture();
    const client = await fixture.join();
    client.send(stranger, text("anybody?"));
    await client.settle();
    expect(client.messages).toEqual([]);
    expect(fixture.relay.stats().drops.unknown_dest).toEqual({
      disco: { packets: 0, bytes: 0 },
      other: { packets: 1, bytes: 8 },
    });
  });

  test("answers path discovery for an unknown key, three times at once and then once a second", async () => {
    let now = 0;
    const fixture = new RelayFixture({ now: () => now });
    const client = await fixture.join();
    const probe = async (count: number) => {
      for (let i = 0; i < count; i++) client.send(stranger, discoPacket());
      await client.settle();
      return client.of("peer-gone").length;
    };
    expect(await probe(1)).toBe(1);
    expect(client.of("peer-gone")[0]).toEqual({ kind: "peer-gone", peer: stranger, reason: PeerGoneReason.notHere });
    expect(await probe(5)).toBe(3);
    now += 1_000;
    expect(await probe(5)).toBe(4);
    now += 60_000;
    expect(await probe(5)).toBe(7);
    expect(fixture.relay.stats().peerGoneNotHere).toBe(7);
  });

  test("takes for path discovery only what has magic, key and nonce", async () => {
    const client = await new RelayFixture().join();
    client.send(stranger, discoPacket(61));
    await client.settle();
    expect(client.messages).toEqual([]);
  });

  test("tells those who heard a peer that it left, once, and not those it heard", async () => {
    const fixture = new RelayFixture();
    const [a, b, c] = [await fixture.join(), await fixture.join(), await fixture.join()];
    for (const words of ["one", "two"]) a.send(b.publicKey, text(words));
    c.send(a.publicKey, text("hello"));
    await b.awaitCount("packet", 2);
    await a.awaitCount("packet", 1);
    a.close();
    await b.awaitCount("peer-gone", 1);
    await b.settle();
    await c.settle();
    expect(b.of("peer-gone")).toEqual([{ kind: "peer-gone", peer: a.publicKey, reason: PeerGoneReason.disconnected }]);
    expect(c.messages).toEqual([]);
  });

  test("tells it again when the peer came back, was heard and left once more", async () => {
    const fixture = new RelayFixture();
    const listener = await fixture.join();
    for (let visit = 1; visit <= 3; visit++) {
      const guest = await fixture.join({ privateKey: privateKey(200) });
      guest.send(listener.publicKey, text("hello"));
      await listener.awaitCount("packet", visit);
      guest.close();
      await listener.awaitCount("peer-gone", visit);
    }
    await listener.settle();
    expect(listener.of("peer-gone")).toHaveLength(3);
  });

  test("answers a ping with its eight bytes, whatever comes behind them", async () => {
    const client = await new RelayFixture().join();
    client.write(frameOf(FrameType.ping, Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex")));
    await client.awaitCount("pong", 1);
    expect(client.of("pong")[0]?.payload.toString("hex")).toBe("0102030405060708");
  });

  test("counts homes as clients choose and leave them", async () => {
    let now = 0;
    const fixture = new RelayFixture({ now: () => now });
    const [a, b] = [await fixture.join(), await fixture.join()];
    const homes = async () => {
      await a.settle();
      await b.settle();
      return fixture.relay.stats().homeConnections;
    };
    a.notePreferred(true);
    b.notePreferred(true);
    expect(await homes()).toBe(2);
    expect(fixture.relay.stats().homeMovesIn).toBe(0);
    now += 5_001;
    a.notePreferred(false);
    expect(await homes()).toBe(1);
    expect(fixture.relay.stats()).toMatchObject({ homeMovesIn: 0, homeMovesOut: 1 });
    b.close();
    await until(() => fixture.relay.stats().homeConnections === 0);
  });

  test("says a restart and trouble to all, and trouble also to who comes later", async () => {
    const fixture = new RelayFixture();
    const early = await fixture.join();
    fixture.relay.notifyRestarting(1_000, 60_000);
    fixture.relay.notifyHealth("the disk is full");
    await early.awaitCount("health", 1);
    const late = await fixture.join();
    await late.awaitCount("health", 1);
    fixture.relay.notifyHealth("");
    await early.awaitCount("health", 2);
    await late.awaitCount("health", 2);
    expect(early.of("restarting")).toEqual([{ kind: "restarting", reconnectInMs: 1_000, tryForMs: 60_000 }]);
    expect(early.of("health").map((m) => m.text)).toEqual(["the disk is full", ""]);
    expect(late.of("health").map((m) => m.text)).toEqual(["the disk is full", ""]);
    expect((await fixture.join()).of("health")).toEqual([]);
  });

  test("closes all when it is closed, with the last word still delivered, and admits nobody after", async () => {
    const fixture = new RelayFixture();
    const client = await fixture.join();
    fixture.relay.notifyRestarting(5, 6);
    await fixture.relay.close();
    await until(() => client.over);
    expect(fixture.relay.stats().connections).toBe(0);
    await expect(fixture.join()).rejects.toMatchObject({ code: "bad-upgrade" });
  });
});
