import { once } from "node:events";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { fc, test as property } from "@fast-check/vitest";
import { ChallengeKey, PrivateKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { type NoiseDuplex, noiseDuplex } from "./duplex.ts";
import type { EarlyPayload } from "./early-payload.ts";
import { Initiator } from "./initiator.ts";
import { publicMachineKey } from "./machine-key.ts";
import type { NoiseSession } from "./noise-session.ts";
import { respondHandshake } from "./responder.ts";

const serverKey = new PrivateKey(new Uint8Array(32).fill(1));
const machineKey = new PrivateKey(new Uint8Array(32).fill(2));

/** Both sides of one handshake, and the response between them. */
function handshake(): { client: NoiseSession; server: NoiseSession; response: Uint8Array } {
  const initiator = new Initiator({ machineKey, serverKey: publicMachineKey(serverKey), version: 145 });
  const { response, session: server } = respondHandshake({ staticKey: serverKey, initiation: initiator.initiation });
  const { session: client } = initiator.push(response) ?? {};
  if (!client) throw new Error("the handshake did not finish");
  return { client, server, response };
}

/** Two connected Noise streams and the raw sockets beneath them. */
function connected(): { client: NoiseDuplex; server: NoiseDuplex; rawClient: Duplex; rawServer: Duplex } {
  const [rawClient, rawServer] = duplexPair();
  const sessions = handshake();
  const client = noiseDuplex(rawClient, sessions.client);
  const server = noiseDuplex(rawServer, sessions.server);
  return { client, server, rawClient, rawServer };
}

/** Resolves when `stream` is closed, also if it already is. */
async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await once(stream, "close");
}

describe("noiseDuplex", () => {
  test("carries bytes both ways and ends when both sides have ended", async () => {
    const { client, server } = connected();
    client.end("from the client");
    server.end("from the server");
    expect(await Promise.all([text(server), text(client)])).toEqual(["from the client", "from the server"]);
    await Promise.all([closed(client), closed(server)]);
  });

  test("half-closes: an ended client still reads", async () => {
    const { client, server } = connected();
    client.end("ask");
    expect(await text(server)).toBe("ask");
    server.end("answer");
    expect(await text(client)).toBe("answer");
  });

  property.prop([fc.array(fc.uint8Array({ minLength: 1, maxLength: 9_000, size: "max" }), { maxLength: 5 })], {
    numRuns: 20,
  })("delivers any writes as the same bytes", async (writes) => {
    const { client, server } = connected();
    for (const chunk of writes) client.write(chunk);
    client.end();
    const read = await buffer(server);
    expect(read.equals(Buffer.concat(writes))).toBe(true);
    server.destroy();
  });

  test("reads what came with the upgrade request first", async () => {
    const [raw] = duplexPair();
    const sessions = handshake();
    const head = sessions.client.takeRecords().writer.seal([Buffer.from("early bird")]);
    const server = noiseDuplex(raw, sessions.server, { head });
    const [chunk] = await once(server, "data");
    expect(String(chunk)).toBe("early bird");
    server.destroy();
  });

  test("sends preamble and early payload in one write, and the client takes both off", async () => {
    const [rawClient, rawServer] = duplexPair();
    const sessions = handshake();
    const challenge: EarlyPayload = { nodeKeyChallenge: ChallengeKey.parse(`chalpub:${"5f".repeat(32)}`) };
    const server = noiseDuplex(rawServer, sessions.server, { preamble: sessions.response, earlyPayload: challenge });
    const [first] = (await once(rawClient, "data")) as [Buffer];
    expect(first.subarray(0, 51)).toEqual(Buffer.from(sessions.response));
    let early: EarlyPayload | undefined;
    const client = noiseDuplex(rawClient, sessions.client, {
      head: first.subarray(51),
      onEarlyPayload: (payload) => {
        early = payload;
      },
    });
    server.end("HTTP/2 starts here");
    expect(await text(client)).toBe("HTTP/2 starts here");
    expect(early).toEqual(challenge);
  });

  test("takes a stream without early payload as it is", async () => {
    const [rawClient, rawServer] = duplexPair();
    const sessions = handshake();
    const heard: unknown[] = [];
    const client = noiseDuplex(rawClient, sessions.client, { onEarlyPayload: (payload) => heard.push(payload) });
    noiseDuplex(rawServer, sessions.server).end("HTTP/2 starts here");
    expect(await text(client)).toBe("HTTP/2 starts here");
    expect(heard).toEqual([undefined]);
  });

  test("stops reading the socket while nobody reads the stream", async () => {
    const { client, server, rawServer } = connected();
    const block = Buffer.alloc(256 * 1024, 1);
    let accepted = 0;
    for (let wrote = true; wrote && accepted < 100; accepted++) {
      wrote = client.write(block);
      await turn();
    }
    expect(accepted).toBeLessThan(100);
    expect(rawServer.isPaused()).toBe(true);
    client.end();
    const read = await buffer(server);
    expect(read.length).toBe(accepted * block.length);
  });

  test.for([
    { says: "altered bytes", bytes: Buffer.from(`040010${"00".repeat(16)}`, "hex"), code: "bad-tag" },
    { says: "plain HTTP", bytes: Buffer.from("GET / HTTP/1.1\r\n"), code: "bad-frame-type" },
    { says: "a record that is too long", bytes: Buffer.from("04ffff", "hex"), code: "record-too-long" },
  ])("is destroyed, with its socket, by $says", async ({ bytes, code }) => {
    const [rawClient, rawServer] = duplexPair();
    const server = noiseDuplex(rawServer, handshake().server);
    rawClient.write(bytes);
    const [error] = await once(server, "error");
    expect(error).toMatchObject({ name: "NoiseError", code });
    expect(rawServer.destroyed).toBe(true);
  });

  test("is destroyed by bad bytes that came with the upgrade request", async () => {
    const [, rawServer] = duplexPair();
    const server = noiseDuplex(rawServer, handshake().server, { head: Buffer.from("nonsense") });
    const [error] = await once(server, "error");
    expect(error).toMatchObject({ code: "bad-frame-type" });
  });

  test("tells a connection cut inside a record from an ended one", async () => {
    const [rawClient, rawServer] = duplexPair();
    const server = noiseDuplex(rawServer, handshake().server);
    server.resume();
    rawClient.end(Buffer.from("040010", "hex"));
    const [error] = await once(server, "error");
    expect(error).toMatchObject({ code: "truncated" });
  });

  test("passes a socket's failure on, and its own to the socket", async () => {
    const { client, server, rawClient, rawServer } = connected();
    const failure = new Error("cable cut");
    rawServer.destroy(failure);
    expect(await once(server, "error")).toEqual([failure]);
    client.destroy();
    await closed(client);
    expect(rawClient.destroyed).toBe(true);
  });

  test("fails a write on a socket that is gone", async () => {
    const { client, rawClient } = connected();
    rawClient.destroy();
    const written = await new Promise((resolve) => client.write("too late", resolve));
    expect(written).toBeInstanceOf(Error);
  });

  test("delivers what a closed socket had sent before", async () => {
    const listener = net.createServer((socket) => {
      const server = noiseDuplex(socket, sessions.server);
      server.end(Buffer.alloc(300_000, 3));
      server.resume();
    });
    const sessions = handshake();
    await once(listener.listen(0, "127.0.0.1"), "listening");
    const socket = net.connect((listener.address() as AddressInfo).port, "127.0.0.1");
    const client = noiseDuplex(socket, sessions.client);
    client.end();
    expect((await buffer(client)).length).toBe(300_000);
    await closed(client);
    listener.close();
  });

  test("knows the address of the other end", async () => {
    const sessions = handshake();
    const accepted = new Promise<NoiseDuplex>((resolve) => {
      const listener = net.createServer((socket) => {
        resolve(noiseDuplex(socket, sessions.server));
        listener.close();
      });
      listener.listen(0, "127.0.0.1", () => {
        const socket = net.connect((listener.address() as AddressInfo).port, "127.0.0.1");
        noiseDuplex(socket, sessions.client).resume();
      });
    });
    const server = await accepted;
    expect(server.remoteAddress).toBe("127.0.0.1");
    expect(server.remotePort).toBeGreaterThan(0);
    server.destroy();
    expect(connected().server.remoteAddress).toBeUndefined();
  });
});

describe("HTTP/2 inside Noise", () => {
  test("serves requests, big bodies and the session's stream without a socket", async () => {
    const { client, server } = connected();
    const machineOf = new WeakMap<http2.Http2Session, NoiseDuplex>();
    const inner = http2.createServer((request, response) => {
      const stream = machineOf.get(request.stream.session as http2.Http2Session);
      request.pipe(response);
      response.setHeader("x-version", String(stream?.session.version));
    });
    inner.once("session", (session) => machineOf.set(session, server));
    inner.emit("connection", server);
    const session = http2.connect("http://unused", { createConnection: () => client });
    const body = Buffer.alloc(1_000_000).map((_, index) => index);
    const requests = [0, 1, 2].map(async () => {
      const stream = session.request({ ":method": "POST", ":path": "/echo" });
      stream.end(body);
      const [headers] = await once(stream, "response");
      return { headers, echoed: await buffer(stream) };
    });
    for (const { headers, echoed } of await Promise.all(requests)) {
      expect(headers["x-version"]).toBe("145");
      expect(echoed.equals(body)).toBe(true);
    }
    session.close();
    await once(session, "close");
    inner.close();
  });

  test("ends the HTTP/2 session when the connection breaks", async () => {
    const { client, server, rawServer } = connected();
    const inner = http2.createServer();
    inner.emit("connection", server);
    const session = http2.connect("http://unused", { createConnection: () => client });
    await once(session, "remoteSettings");
    const stream = session.request({ ":path": "/" });
    rawServer.destroy();
    client.destroy();
    await Promise.all([once(stream, "close"), once(session, "close")]);
    expect(stream.readableEnded).toBe(false);
    inner.close();
  });
});
