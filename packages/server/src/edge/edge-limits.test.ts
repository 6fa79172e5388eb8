import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import type { EdgeResponse } from "./http-message.ts";
import { flag, frame, frameType, getRequest, headerBlock, opening, reset } from "./testing/http2-frames.ts";
import { openEdge } from "./testing/open-edge.ts";
import { RawClient } from "./testing/raw-client.ts";

async function client(port: number, from?: string): Promise<RawClient> {
  const raw = await RawClient.connect(port, from);
  onTestFinished(() => raw[Symbol.dispose]());
  return raw;
}

const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const post = (field: string) => `POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`;

/** The first piece of an answer that goes on. */
function begin(response: EdgeResponse, text = "begun"): void {
  (response as ServerResponse).write(text);
}

describe("time limits", () => {
  const limits = { peekMs: 500, headersMs: 500, bodyMs: 600, sessionIdleMs: 300 };

  test.for(["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"])(
    "end a connection that says no more than %j",
    async (beginning) => {
      const { port } = await openEdge({ limits });
      expect(await (await client(port)).say(beginning).hearAll()).toBe("");
    },
  );

  test("end a connection that never finishes its PROXY header", async () => {
    const { port } = await openEdge({ limits, proxyProtocol: ["127.0.0.1"] });
    expect(await (await client(port)).say("PROXY TCP4 192.0.2.7").hearAll()).toBe("");
  });

  test("answer 408 to half a head", async () => {
    const { port } = await openEdge({ limits });
    expect(await (await client(port)).say("GET / HTTP/1.1\r\nHost: a\r\nX: ").hearAll()).toContain(
      "408 Request Timeout",
    );
  });

  test("end an upload that never finishes, HTTP/1.1", async () => {
    const { port } = await openEdge({ limits });
    expect(await (await client(port)).say(`${post("Content-Length: 9")}slow`).hearAll()).toMatch(/^(HTTP\/1.1 408|$)/);
  });

  test("end an upload that never finishes, HTTP/2", async () => {
    const { port } = await openEdge({ limits });
    const { promise, resolve } = Promise.withResolvers<number>();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/", ":method": "POST" });
    stream.on("error", () => {}).once("close", () => resolve(stream.rstCode));
    stream.write("slow");
    expect(await promise).not.toBe(0);
  });

  test("end an HTTP/2 session at rest, but not one whose stream is merely quiet", async () => {
    const { port } = await openEdge({ limits, request: (_, response) => begin(response) });
    const resting = await client(port);
    const watching = (await client(port)).say(opening).say(getRequest(1));
    await watching.hear(/begun/);
    await resting.say(opening).hearAll();
    await resting.closed;
    const another = (await client(port)).say(opening);
    await another.hearAll();
    expect(watching.socket.readableEnded).toBe(false);
  });

  test("let an answer stream for longer than a request may take", async () => {
    const { url } = await openEdge({
      limits,
      request: async (_, response) => {
        for (let n = 0; n < 5; n++) {
          begin(response, String(n));
          await new Promise((next) => setTimeout(next, 200));
        }
        response.end();
      },
    });
    expect(await (await fetch(url)).text()).toBe("01234");
  });
});

describe("size limits", () => {
  const limits = { headerBytes: 4_096, bodyBytes: 10_000 };

  test("answer 431 to a head that is too long", async () => {
    const { port } = await openEdge({ limits });
    const raw = (await client(port)).say(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(5_000)}\r\n\r\n`);
    expect(await raw.hearAll()).toContain("431 Request Header Fields Too Large");
  });

  test("refuse an HTTP/2 head that is too long, before the handler", async () => {
    const { port } = await openEdge({ limits, request: () => expect.unreachable() });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    await once(session, "remoteSettings");
    const stream = session.request({ ":path": "/", x: "x".repeat(5_000) });
    await once(stream, "error");
    expect(stream.rstCode).not.toBe(0);
  });

  test("answer 413 to an announced body that is too long", async () => {
    const { port, url } = await openEdge({ limits, request: () => expect.unreachable() });
    expect(await (await client(port)).say(post("Content-Length: 10001")).hearAll()).toContain("413 Payload Too Large");
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/", ":method": "POST", "content-length": "10001" });
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(413);
    stream.destroy();
  });

  test("cut a body that turns out too long, and let one of the exact size through", async () => {
    const { url, port } = await openEdge({ limits });
    const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;
    const long = (await client(port)).say(post("Transfer-Encoding: chunked")).say(chunk(6_000)).say(chunk(6_000));
    expect(await long.hearAll()).not.toContain("200 OK");
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    const tooLong = session.request({ ":path": "/", ":method": "POST" });
    tooLong.on("error", () => {}).end("x".repeat(10_001));
    await new Promise((resolve) => tooLong.once("close", resolve));
    expect(tooLong.rstCode).not.toBe(0);
    const exact = session.request({ ":path": "/", ":method": "POST" });
    exact.end("x".repeat(10_000));
    expect(JSON.parse(await text(exact)).body).toHaveLength(10_000);
  });

  test("drop the oldest of too many silent connections", async () => {
    const { port, edge } = await openEdge({ limits: { peeking: 3 } });
    const silent: RawClient[] = [];
    for (let n = 0; n < 5; n++) silent.push(await client(port));
    await Promise.all([silent[0]?.closed, silent[1]?.closed]);
    expect(edge.stats().peeking).toBe(3);
    expect(await silent[4]?.say(get).hearAll()).toContain("200 OK");
  });
});

/** Until the server hangs up; what happens to a client that keeps `doing` it. */
async function persist(raw: RawClient, doing: (round: number) => Uint8Array): Promise<number> {
  raw.say(opening);
  for (let round = 1; ; round++) {
    if (raw.socket.destroyed || raw.socket.readableEnded || round > 20_000) return round;
    const drained = raw.socket.write(doing(round));
    if (!drained) await Promise.race([new Promise((resolve) => raw.socket.once("drain", resolve)), raw.closed]);
    if (round % 50 === 0) await new Promise(setImmediate);
  }
}

const oddStream = (round: number) => round * 2 - 1;
const attacks = [
  {
    says: "resets each stream it opens",
    doing: (n: number) => Buffer.concat([getRequest(oddStream(n)), reset(oddStream(n))]),
  },
  { says: "pings without end", doing: () => frame(frameType.ping, 0, 0, new Uint8Array(8)) },
  { says: "sends settings without end", doing: () => frame(frameType.settings, 0, 0) },
  { says: "opens streams without end", doing: (n: number) => getRequest(oddStream(n)) },
  {
    says: "never ends a head",
    doing: (n: number) =>
      n === 1
        ? frame(frameType.headers, 0, 1, headerBlock("GET"))
        : frame(frameType.continuation, 0, 1, headerBlock("GET", { x: "x".repeat(900) }).subarray(3)),
  },
  {
    says: "sends empty data without end",
    doing: (n: number) =>
      n === 1 ? frame(frameType.headers, flag.endHeaders, 1, headerBlock("POST")) : frame(frameType.data, 0, 1),
  },
];

describe("an HTTP/2 client", () => {
  test.for(attacks)("that $says is hung up on, while others are served", async ({ doing }) => {
    let begun = 0;
    const { port } = await openEdge({
      request: ({ url }, response) => {
        begun++;
        if (url === "/well-behaved") response.end("served");
      },
    });
    const attacker = await client(port, "127.0.0.2");
    const attack = persist(attacker, doing);
    const served = await Promise.all(
      Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port}/well-behaved`)).text()),
    );
    expect(served).toEqual(Array(5).fill("served"));
    expect(await attack).toBeLessThan(20_000);
    expect(begun).toBeLessThan(6_000);
  });

  test("that sends hundreds of fields in each head reaches no handler, while others are served", async () => {
    const { port } = await openEdge({
      request: ({ headers }, response) => void response.end(String(headers["x-0"] ?? "served")),
    });
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, field) => [`x-${field}`, "reached"]));
    const attacker = (await client(port, "127.0.0.2")).say(opening);
    for (let n = 1; n <= 50; n++)
      attacker.say(
        frame(frameType.headers, flag.endHeaders | flag.endStream, oddStream(n), headerBlock("GET", fields)),
      );
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("served");
    await attacker.say(getRequest(oddStream(51))).hear(/served/);
    expect(attacker.heardText).not.toContain("reached");
  });

  test("that sends nothing but heads that are refused is hung up on", async () => {
    const { port } = await openEdge();
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, field) => [`x-${field}`, "1"]));
    const block = headerBlock("GET", fields);
    const attacker = await client(port, "127.0.0.2");
    const rounds = await persist(attacker, (n) =>
      frame(frameType.headers, flag.endHeaders | flag.endStream, oddStream(n), block),
    );
    expect(rounds).toBeLessThan(20_000);
  });

  test("that uploads as much as it may, again and again, is not taken for one", async () => {
    const { url } = await openEdge();
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    for (let n = 0; n < 10; n++) {
      const stream = session.request({ ":path": "/", ":method": "POST" });
      stream.end("x".repeat(4_000_000));
      expect(JSON.parse(await text(stream)).body).toHaveLength(4_000_000);
    }
  });

  test("that comes back to offend again and again is refused for a while, alone", async () => {
    const events: unknown[] = [];
    const offences = { most: 3, perMs: 60_000, restMs: 60_000, addresses: 100 };
    const { port, edge } = await openEdge({ limits: { offences }, onEvent: (event) => events.push(event) });
    for (let n = 0; n < 8; n++) {
      const attacker = await client(port, "127.0.0.2");
      await persist(attacker, (round) => Buffer.concat([getRequest(oddStream(round)), reset(oddStream(round))]));
    }
    expect(events).toEqual([expect.objectContaining({ kind: "shut-out", address: "127.0.0.2" })]);
    expect(await (await client(port, "127.0.0.2")).say(get).hearAll()).toBe("");
    expect(edge.stats().refused).toBeGreaterThan(0);
    expect(await (await client(port)).say(get).hearAll()).toContain("200 OK");
  });

  test("that is a trusted proxy is never refused", async () => {
    const offences = { most: 1, perMs: 60_000, restMs: 60_000, addresses: 100 };
    const { port } = await openEdge({ limits: { offences }, trustedProxies: ["127.0.0.2"] });
    for (let n = 0; n < 4; n++) {
      const proxy = await client(port, "127.0.0.2");
      await persist(proxy, () => frame(frameType.ping, 0, 0, new Uint8Array(8)));
    }
    expect(await (await client(port, "127.0.0.2")).say(get).hearAll()).toContain("200 OK");
  });
});

describe("requests behind each other on one HTTP/1.1 connection", () => {
  const plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  test("are answered in their order while they are few", async () => {
    const { port } = await openEdge({ limits: { pipelined: 3 } });
    const heard = await (await client(port)).say(plain + plain + get).hearAll();
    expect(heard.match(/HTTP\/1.1 200/g)).toHaveLength(3);
  });

  test("close it when they are too many, and shut out who goes on", async () => {
    let served = 0;
    const { port } = await openEdge({
      limits: { pipelined: 3, offences: { most: 2, perMs: 60_000, restMs: 60_000, addresses: 10 } },
      request: (_, response) => {
        served++;
        begin(response);
      },
    });
    for (let n = 0; n < 3; n++) await (await client(port, "127.0.0.2")).say(plain.repeat(100)).hearAll();
    expect(served).toBe(9);
    expect(await (await client(port, "127.0.0.2")).say(get).hearAll()).toBe("");
    const other = await client(port);
    other.say(get);
    await other.hear(/begun/);
  });
});
