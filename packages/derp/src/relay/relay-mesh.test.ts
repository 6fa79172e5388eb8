import { setImmediate as turn } from "node:timers/promises";
import { NodeKey, publicKeyBytes } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { frameOf } from "#frame/frame-bytes.ts";
import { MeshKey } from "#login/mesh-key.ts";
import { FrameType, PeerGoneReason, PresentFlag } from "#protocol.ts";
import { until } from "#testing/frames.ts";
import { discoPacket, privateKey, RELAY_KEY, RelayFixture, type TestClient } from "#testing/relay-fixture.ts";
import type { Forwarder } from "./peer.ts";

const meshKey = MeshKey.parse("5".repeat(64)) as MeshKey;
const stranger = NodeKey.fromBytes(Buffer.alloc(32, 0x77));

async function setup() {
  const fixture = new RelayFixture({ meshKey, verifier: { allow: (key) => key !== stranger } });
  const member = () => fixture.join({ meshKey });
  return { fixture, member };
}

const present = (client: TestClient) => client.of("peer-present").map(({ peer }) => peer);

/** Keeps what it is to forward. */
class Recorder implements Forwarder {
  readonly packets: string[] = [];
  forward(source: Buffer, destination: Buffer, bytes: Buffer, start: number, end: number): void {
    const [from, to] = [source, destination].map((key) => key.toString("hex").slice(0, 4));
    this.packets.push(`${from} ${to} ${bytes.toString("latin1", start, end)}`);
  }
}

function forward(source: NodeKey, destination: NodeKey, packet: Buffer): Buffer {
  return frameOf(FrameType.forwardPacket, publicKeyBytes(source), publicKeyBytes(destination), packet);
}

describe("a watcher", () => {
  test("sees itself and everybody, and then who comes and goes", async () => {
    const { fixture, member } = await setup();
    const before = await fixture.join();
    const watchers = [await member(), await member(), await member()];
    for (const watcher of watchers) watcher.watchConnections();
    for (const watcher of watchers) await watcher.awaitCount("peer-present", 4);
    const later = await fixture.join({ isProber: true });
    for (const watcher of watchers) await watcher.awaitCount("peer-present", 5);
    later.close();
    for (const watcher of watchers) {
      await watcher.awaitCount("peer-gone", 1);
      expect(new Set(present(watcher).slice(0, 4))).toEqual(
        new Set([before.publicKey, ...watchers.map((each) => each.publicKey)]),
      );
      expect(watcher.of("peer-present").at(-1)).toMatchObject({ peer: later.publicKey, flags: PresentFlag.prober });
      expect(watcher.of("peer-gone")).toEqual([
        { kind: "peer-gone", peer: later.publicKey, reason: PeerGoneReason.disconnected },
      ]);
    }
    expect(fixture.relay.stats().watchers).toBe(3);
  });

  test("is told what kind of client each is", async () => {
    const { fixture, member } = await setup();
    const regular = await fixture.join();
    const watcher = await member();
    watcher.watchConnections();
    await watcher.awaitCount("peer-present", 2);
    const flags = new Map(watcher.of("peer-present").map((m) => [m.peer, m.flags]));
    expect(flags.get(regular.publicKey)).toBe(PresentFlag.regular);
    expect(flags.get(watcher.publicKey)).toBe(PresentFlag.meshPeer);
  });

  test("hears of a duplicate's coming, but of its going only with the last", async () => {
    const { fixture, member } = await setup();
    const watcher = await member();
    watcher.watchConnections();
    const twins = [
      await fixture.join({ privateKey: privateKey(99) }),
      await fixture.join({ privateKey: privateKey(99) }),
    ];
    await watcher.awaitCount("peer-present", 3);
    twins[0]?.close();
    await fixture.awaitConnections(2);
    await watcher.settle();
    expect(watcher.of("peer-gone")).toEqual([]);
    twins[1]?.close();
    await watcher.awaitCount("peer-gone", 1);
  });

  test("under the relay's own key is the relay itself, and hears nothing", async () => {
    const { fixture } = await setup();
    const self = await fixture.join({ meshKey, privateKey: RELAY_KEY });
    self.watchConnections();
    await self.settle();
    expect(self.messages).toEqual([]);
    expect(fixture.relay.stats().watchers).toBe(0);
  });

  test("that lags gets the last word about each key, and no more", async () => {
    const { fixture, member } = await setup();
    const watcher = await member();
    watcher.watchConnections();
    await watcher.settle();
    watcher.socket.pause();
    // Fills what lies before the watcher, until all that waits is the last word.
    for (let wave = 0; wave < 10; wave++) {
      for (let i = 0; i < 1_000; i++) fixture.relay.notifyHealth("x".repeat(400));
      await turn();
    }
    for (let visit = 0; visit < 30; visit++) {
      const guest = await fixture.join({ privateKey: privateKey(99) });
      guest.close();
      await fixture.awaitConnections(1);
    }
    watcher.socket.resume();
    await watcher.awaitCount("peer-gone", 1);
    await watcher.settle();
    expect(watcher.of("peer-gone")).toHaveLength(1);
  });
});

describe("a mesh member", () => {
  test("needs exactly the mesh key", async () => {
    const { fixture } = await setup();
    for (const wrong of ["6".repeat(64), "0".repeat(64)]) {
      const client = await fixture.join({ meshKey: MeshKey.parse(wrong) as MeshKey });
      client.watchConnections();
      await until(() => client.over);
    }
    expect(fixture.events.filter(({ kind }) => kind === "end").map(({ error }) => error?.code)).toEqual([
      "no-mesh-right",
      "no-mesh-right",
    ]);
  });

  test("never is who proves a key of zeros to a relay without one", async () => {
    const fixture = new RelayFixture();
    const client = await fixture.join({ meshKey: MeshKey.parse("0".repeat(64)) as MeshKey });
    client.watchConnections();
    await until(() => client.over);
  });

  test("enters without the verifier's consent", async () => {
    const fixture = new RelayFixture({ meshKey, verifier: { allow: () => false } });
    await (await fixture.join({ meshKey })).settle();
    await expect(fixture.join()).rejects.toMatchObject({ code: "disconnected" });
  });

  test("closes all connections of a key", async () => {
    const { fixture, member } = await setup();
    const closer = await member();
    const twins = [
      await fixture.join({ privateKey: privateKey(99) }),
      await fixture.join({ privateKey: privateKey(99) }),
    ];
    const other = await fixture.join();
    closer.closePeer(stranger);
    closer.closePeer((twins[0] as TestClient).publicKey);
    await until(() => twins.every((twin) => twin.over));
    await other.settle();
    expect([closer.over, other.over]).toEqual([false, false]);
  });

  test.for([
    { says: "a WatchConns with something in it", frame: frameOf(FrameType.watchConns, Buffer.of(0)) },
    { says: "a ClosePeer of 31 bytes", frame: frameOf(FrameType.closePeer, Buffer.alloc(31)) },
    { says: "a ForwardPacket of 63 bytes", frame: frameOf(FrameType.forwardPacket, Buffer.alloc(63)) },
    { says: "a ForwardPacket of too much", frame: Buffer.from("0a00010041", "hex") },
  ])("is closed on $says", async ({ frame }) => {
    const { fixture, member } = await setup();
    const client = await member();
    client.write(frame);
    await until(() => client.over);
    await until(() => fixture.events.at(-1)?.kind === "end");
    expect(fixture.events.at(-1)?.error?.code).toBe("bad-frame");
  });

  test("has its packets delivered here under their first sender's key", async () => {
    const { fixture, member } = await setup();
    const [link, client] = [await member(), await fixture.join()];
    link.write(forward(stranger, client.publicKey, Buffer.from("from afar")));
    await client.awaitCount("packet", 1);
    expect(client.packets).toEqual([[stranger, "from afar"]]);
    expect(fixture.relay.stats().packetsForwardedIn).toBe(1);
  });

  test("has packets for unknown keys dropped, never sent on, and is told of path discovery", async () => {
    const { fixture, member } = await setup();
    const link = await member();
    const further = new Recorder();
    fixture.relay.addForwarder(stranger, further);
    link.write(forward(link.publicKey, stranger, Buffer.from("data")));
    await link.settle();
    expect(link.messages).toEqual([]);
    link.write(forward(link.publicKey, stranger, discoPacket()));
    await link.awaitCount("peer-gone", 1);
    expect(link.of("peer-gone")).toEqual([{ kind: "peer-gone", peer: stranger, reason: PeerGoneReason.notHere }]);
    expect(further.packets).toEqual([]);
    expect(fixture.relay.stats().drops.unknown_dest_on_fwd).toMatchObject({
      disco: { packets: 1 },
      other: { packets: 1 },
    });
  });
});

describe("a forwarder", () => {
  test("gets packets for its keys, the oldest of several first, until it is removed", async () => {
    const { fixture } = await setup();
    const sender = await fixture.join();
    const [older, newer] = [new Recorder(), new Recorder()];
    for (const each of [older, newer, older]) fixture.relay.addForwarder(stranger, each);
    const from = sender.publicKey.slice(8, 12);
    const say = async (words: string) => {
      sender.send(stranger, Buffer.from(words));
      await sender.settle();
    };
    await say("one");
    fixture.relay.removeForwarder(stranger, older);
    await say("two");
    fixture.relay.removeForwarder(stranger, older);
    fixture.relay.removeForwarder(stranger, newer);
    await say("three");
    expect(older.packets).toEqual([`${from} 7777 one`]);
    expect(newer.packets).toEqual([`${from} 7777 two`]);
    expect(fixture.relay.stats()).toMatchObject({
      packetsForwardedOut: 2,
      remoteKeys: 0,
      drops: { unknown_dest: { other: { packets: 1 } } },
    });
  });

  test("gives way to a client that is here", async () => {
    const { fixture } = await setup();
    const [sender, client] = [await fixture.join(), await fixture.join()];
    const forwarder = new Recorder();
    fixture.relay.addForwarder(client.publicKey, forwarder);
    sender.send(client.publicKey, Buffer.from("here"));
    await client.awaitCount("packet", 1);
    client.close();
    await fixture.awaitConnections(1);
    sender.send(client.publicKey, Buffer.from("there"));
    await sender.settle();
    expect(forwarder.packets.map((words) => words.slice(10))).toEqual(["there"]);
  });

  test("whose key is gone for good has those told who heard it, and not while another way is left", async () => {
    const { fixture, member } = await setup();
    const [link, listener] = [await member(), await fixture.join()];
    const ways = [new Recorder(), new Recorder()];
    for (const way of ways) fixture.relay.addForwarder(stranger, way);
    link.write(forward(stranger, listener.publicKey, Buffer.from("hello")));
    await listener.awaitCount("packet", 1);
    fixture.relay.removeForwarder(stranger, ways[0] as Recorder);
    await listener.settle();
    expect(listener.of("peer-gone")).toEqual([]);
    fixture.relay.removeForwarder(stranger, ways[1] as Recorder);
    await listener.awaitCount("peer-gone", 1);
  });

  test("keeps a peer in the region when its connection here ends", async () => {
    const { fixture } = await setup();
    const [listener, roamer] = [await fixture.join(), await fixture.join()];
    const way = new Recorder();
    fixture.relay.addForwarder(roamer.publicKey, way);
    roamer.send(listener.publicKey, Buffer.from("hello"));
    await listener.awaitCount("packet", 1);
    roamer.close();
    await fixture.awaitConnections(1);
    await listener.settle();
    expect(listener.of("peer-gone")).toEqual([]);
    fixture.relay.removeForwarder(roamer.publicKey, way);
    await listener.awaitCount("peer-gone", 1);
  });

  test("unknown or unknown for this key is removed without effect", async () => {
    const { fixture } = await setup();
    fixture.relay.removeForwarder(stranger, new Recorder());
    fixture.relay.addForwarder(stranger, new Recorder());
    fixture.relay.removeForwarder(stranger, new Recorder());
    expect(fixture.relay.stats().remoteKeys).toBe(1);
  });
});
