import { duplexPair } from "node:stream";
import { describe, expect, test } from "vitest";
import { BoxIdentity } from "#box/nacl-box.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { FrameType, MAGIC } from "#protocol.ts";
import { privateKey, RELAY_KEY, RelayFixture } from "#testing/relay-fixture.ts";
import { connectDerp, upgrade } from "./connect.ts";
import { DerpClient } from "./derp-client.ts";

const url = new URL("http://relay.test:1234/derp");
const relayIdentity = new BoxIdentity(RELAY_KEY);

describe("upgrade", () => {
  test.for([
    { says: "another status", answer: "HTTP/1.1 426 Upgrade Required\r\n\r\n" },
    { says: "another protocol", answer: "SSH-2.0-x\r\n\r\n" },
    {
      says: "more headers than any relay sends",
      answer: `HTTP/1.1 101 Switching Protocols\r\nX: ${"x".repeat(9_000)}`,
    },
  ])("refuses $says", async ({ answer }) => {
    const [here, there] = duplexPair();
    there.write(answer);
    await expect(upgrade(here, url)).rejects.toMatchObject({ code: "bad-upgrade" });
  });

  test("finds the stream behind the answer, however it is cut", async () => {
    const answer = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n\r\nrest");
    for (let at = 1; at < answer.length - 4; at++) {
      const [here, there] = duplexPair();
      const head = upgrade(here, url);
      there.write(answer.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      there.write(answer.subarray(at));
      expect((await head).toString()).toBe("rest");
    }
  });

  test("says so when the relay hangs up", async () => {
    const [here, there] = duplexPair();
    const head = upgrade(here, url);
    there.end();
    here.destroy();
    await expect(head).rejects.toMatchObject({ code: "disconnected" });
  });
});

describe("connectDerp", () => {
  test("says so when nobody is there", async () => {
    const nobody = connectDerp(new URL("http://127.0.0.1:1/derp"), { privateKey: privateKey(2) });
    await expect(nobody).rejects.toMatchObject({ code: "disconnected" });
  });
});

describe("DerpClient", () => {
  test("with a key known beforehand logs in by fast start", async () => {
    const socket = new RelayFixture().socket();
    socket.write("GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nDerp-Fast-Start: 1\r\n\r\n");
    const client = new DerpClient(socket, { privateKey: privateKey(2), serverKey: relayIdentity.publicKey });
    expect(await client.ready).toEqual({ version: 2 });
  });

  test("takes a greeting with more in it than today's", async () => {
    const [here, there] = duplexPair();
    const client = new DerpClient(here, { privateKey: privateKey(2) });
    there.write(frameOf(FrameType.serverKey, MAGIC, relayIdentity.publicKey, Buffer.alloc(100)));
    while (client.serverKey === undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(client.serverKey).toBe(`nodekey:${relayIdentity.publicKey.toString("hex")}`);
  });

  test.for([
    { says: "a greeting without the magic", frame: frameOf(FrameType.serverKey, Buffer.alloc(40)) },
    { says: "a short greeting", frame: frameOf(FrameType.serverKey, MAGIC, Buffer.alloc(31)) },
    { says: "a greeting over a kibibyte", frame: frameOf(FrameType.serverKey, Buffer.alloc(1_025)) },
    { says: "another frame first", frame: frameOf(FrameType.keepAlive) },
    { says: "HTTP", frame: Buffer.from("HTTP/1.1 101 Switching Protocols") },
  ])("hangs up on $says", async ({ frame }) => {
    const [here, there] = duplexPair();
    const client = new DerpClient(here, { privateKey: privateKey(2) });
    there.write(frame);
    expect(await client.ended).toBeInstanceOf(Error);
    await expect(client.ready).rejects.toBeInstanceOf(Error);
  });
});
