import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { controlUpgrades } from "./edge.ts";
import { getRequest, opening } from "./testing/http2-frames.ts";
import { openEdge, type Seen, seenIn } from "./testing/open-edge.ts";
import { RawClient } from "./testing/raw-client.ts";

/** One request over HTTP/2 in clear text. */
async function askHttp2(url: string, headers: Record<string, string> = {}, body?: string): Promise<Seen> {
  const session = connectHttp2(url);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":path": "/", ":method": body === undefined ? "GET" : "POST", ...headers });
  stream.end(body);
  return JSON.parse(await text(stream));
}

async function client(port: number, from?: string): Promise<RawClient> {
  const raw = await RawClient.connect(port, from);
  onTestFinished(() => raw[Symbol.dispose]());
  return raw;
}

const get = "GET /path HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n\r\n";

describe("one port", () => {
  test("serves HTTP/1.1 and HTTP/2 by one handler", async () => {
    const { url, port } = await openEdge();
    const http1 = seenIn(await (await client(port)).say(get).hearAll());
    expect(http1).toMatchObject({ version: "1.1", url: "/path", client: "127.0.0.1", secure: false, transport: "tcp" });
    expect(await askHttp2(url, {}, "body")).toMatchObject({
      version: "2.0",
      method: "POST",
      body: "body",
      client: "127.0.0.1",
    });
  });

  test("hears a request that comes byte by byte", async () => {
    const { port } = await openEdge();
    const raw = await (await client(port)).dribble(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
    );
    expect(seenIn(await raw.hearAll()).body).toBe("body");
  });

  test("answers a client that has closed its half already", async () => {
    const { port } = await openEdge();
    const raw = await client(port);
    raw.socket.end(get);
    expect(await raw.hearAll()).toContain("200 OK");
  });

  test("forgets an HTTP/2 client that went away, also while an answer to it is quiet", async () => {
    const quiet = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const { port, edge } = await openEdge({
      request: (_request, response) => {
        response.on("close", gone.resolve);
        (response as ServerResponse).write("first");
        quiet.resolve();
      },
    });
    const raw = (await client(port)).say(Buffer.concat([opening, getRequest(1)]));
    await quiet.promise;
    raw.socket.end();
    await Promise.all([gone.promise, raw.closed]);
    await expect.poll(() => edge.stats()).toMatchObject({ connections: 0, sessions: 0 });
  });

  test("answers 400 to what is no protocol at all", async () => {
    const { port } = await openEdge();
    expect(await (await client(port)).say("\0\x01\x02\r\n\r\n").hearAll()).toContain("400 Bad Request");
  });

  test("hangs up on a TLS hello where there is no TLS", async () => {
    const { port } = await openEdge();
    expect(await (await client(port)).say("\x16\x03\x01\x00\x05hello").hearAll()).toBe("");
  });

  test("turns a handler's exception or rejection into a 500, and tells", async () => {
    const failures: unknown[] = [];
    const { url } = await openEdge({
      request: ({ url }) => {
        if (url === "/later") return Promise.reject(new Error("later"));
        throw new Error("now");
      },
      onEvent: (event) => failures.push(event),
    });
    for (const path of ["/now", "/later"]) expect((await fetch(url + path)).status).toBe(500);
    expect(failures).toEqual([
      expect.objectContaining({ kind: "handler-failed" }),
      expect.objectContaining({ error: new Error("later") }),
    ]);
  });

  test("survives a handler whose answer HTTP/2 cannot carry", async () => {
    const { url } = await openEdge({
      request: async (_request, response) => {
        response.setHeader("upgrade", "DERP");
        response.end("no");
      },
    });
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    const [headers] = await once(session.request({ ":path": "/" }), "response");
    expect(headers[":status"]).toBe(500);
  });

  test("survives clients that reset streams while a handler answers them", async () => {
    const answered = Promise.withResolvers<void>();
    const { url } = await openEdge({
      request: async (_, response) => {
        (response as ServerResponse).write("begun");
        await once(response, "close");
        response.end("too late");
        answered.resolve();
      },
    });
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/" }).on("error", () => {});
    await once(stream, "data");
    stream.close(8);
    await answered.promise;
    expect(session.destroyed).toBe(false);
  });
});

describe("upgrades", () => {
  const upgrading = (protocol: string, more = "") =>
    `POST /ts2021 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n${more}\r\n`;
  const echo = (_: unknown, socket: Socket, head: Buffer) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n");
    socket.write(head);
    socket.pipe(socket);
  };

  test.for(controlUpgrades)("hands over a socket that asks for %s, first bytes included", async (protocol) => {
    const { port, edge } = await openEdge({ upgrade: echo });
    const raw = (await client(port)).say(`${upgrading(protocol.toUpperCase(), "Content-Length: 0\r\n")}early`);
    await raw.hear(/early$/);
    await raw.say(" later").hear(/early later$/);
    expect(edge.stats().tunnels).toBe(1);
    raw.socket.end();
    await raw.closed;
  });

  test("hands over a socket whose request comes byte by byte", async () => {
    const { port } = await openEdge({ upgrade: echo });
    await (await (await client(port)).dribble(`${upgrading("DERP")}early`)).hear(/early$/);
  });

  test("treats any other upgrade as an ordinary request, body intact", async () => {
    const { port } = await openEdge({ upgrade: echo });
    const raw = (await client(port)).say(`${upgrading("h2c", "Content-Length: 4\r\n")}body`);
    await raw.hear(/}$/);
    expect(seenIn(raw.heardText)).toMatchObject({ method: "POST", body: "body" });
  });

  test("takes no upgrade where nobody wants it", async () => {
    const { port } = await openEdge();
    await (await client(port)).say(upgrading("websocket", "Content-Length: 0\r\n")).hear(/200 OK/);
  });

  test.for(["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"])(
    "refuses an upgrade with a body (%s)",
    async (field) => {
      const { port } = await openEdge({ upgrade: echo });
      expect(await (await client(port)).say(`${upgrading("DERP", field)}hello`).hearAll()).toMatch(
        /^HTTP\/1.1 400 .*has no body/s,
      );
    },
  );

  test("does not let an upgrade overtake a pending answer", async () => {
    const { port, edge } = await openEdge({ upgrade: echo, request: () => {} });
    const raw = (await client(port)).say(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${upgrading("DERP")}`);
    expect(await raw.hearAll()).toBe("");
    expect(edge.stats().tunnels).toBe(0);
  });

  test("knows the client of an upgrade", async () => {
    const clients: unknown[] = [];
    const { port } = await openEdge({
      trustedProxies: ["127.0.0.0/8"],
      upgrade: (request, socket) => {
        clients.push(request.headers["x-forwarded-for"]);
        socket.end();
      },
    });
    await (await client(port)).say(upgrading("DERP", "X-Forwarded-For: 192.0.2.7\r\n")).hearAll();
    expect(clients).toEqual(["192.0.2.7"]);
  });
});

describe("trusted proxies", () => {
  const forwarded = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`;

  test("are believed", async () => {
    const { url, port } = await openEdge({ trustedProxies: ["127.0.0.0/8"] });
    const raw = (await client(port)).say(
      forwarded("X-Forwarded-For: 8.8.8.8, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"),
    );
    const seen = seenIn(await raw.hearAll());
    expect(seen.client).toBe("192.0.2.7");
    expect(seen.headers["x-forwarded-proto"]).toBe("https");
    expect((await askHttp2(url, { "x-real-ip": "192.0.2.8" })).client).toBe("192.0.2.8");
  });

  test("are the only ones whose forwarding headers get through", async () => {
    const { url, port } = await openEdge({ trustedProxies: ["192.0.2.0/24"] });
    const fields =
      "x-FORWARDED-for: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nTrue-Client-IP: 1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nX-Kept: 1\r\nX-Forwarded-For: 2.2.2.2\r\n";
    const http1 = seenIn(await (await client(port)).say(forwarded(fields)).hearAll());
    const http2 = await askHttp2(url, { "x-forwarded-for": "1.1.1.1", forwarded: "for=1.1.1.1", "x-kept": "1" });
    for (const seen of [http1, http2]) {
      expect(seen).toMatchObject({ client: "127.0.0.1", forwarded: true });
      expect(seen.headers["x-kept"]).toBe("1");
      expect(JSON.stringify([seen.headers, seen.rawHeaders])).not.toMatch(/forwarded-for|1\.1\.1\.1|2\.2\.2\.2/i);
    }
  });
});

describe("a proxy that nobody has named as trusted", () => {
  test("is told of once, when it is near; anybody else may send such headers for fun", async () => {
    const events: unknown[] = [];
    const { port } = await openEdge({
      proxyProtocol: ["127.0.0.3"],
      onEvent: (event) => events.push(event),
    });
    const forwarded = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
    for (const _ of [1, 2]) await (await client(port)).say(forwarded).hearAll();
    const far = await client(port, "127.0.0.3");
    await far.say(`PROXY TCP4 198.51.100.1 192.0.2.1 4000 443\r\n${forwarded}`).hearAll();
    expect(events).toEqual([{ kind: "proxy-untrusted", address: "127.0.0.1" }]);
  });
});

describe("the PROXY protocol", () => {
  const version1 = "PROXY TCP6 2001:db8::7 2001:db8::1 4660 443\r\n";
  const version2 = Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000207c6336401123401bb", "hex");
  const options = { proxyProtocol: ["127.0.0.1"] };

  test.for([
    { says: "version 1", header: Buffer.from(version1), client: "2001:db8::7" },
    { says: "version 2", header: version2, client: "192.0.2.7" },
    { says: "version 1 without an address", header: Buffer.from("PROXY UNKNOWN\r\n"), client: "127.0.0.1" },
  ])("tells the client's address, in one piece and byte by byte: $says", async ({ header, client: address }) => {
    const { port } = await openEdge(options);
    const whole = (await client(port)).say(Buffer.concat([header, Buffer.from(get)]));
    expect(seenIn(await whole.hearAll()).client).toBe(address);
    const slow = await (await client(port)).dribble(Buffer.concat([header, Buffer.from(get)]));
    expect(seenIn(await slow.hearAll()).client).toBe(address);
  });

  test("is followed by trust in whom it names, not in who sent it", async () => {
    const { port } = await openEdge({ ...options, trustedProxies: ["192.0.2.7"] });
    const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n";
    const named = (await client(port)).say(Buffer.concat([version2, Buffer.from(request)]));
    expect(seenIn(await named.hearAll()).client).toBe("203.0.113.5");
    const other = (await client(port)).say(version1 + request);
    expect(seenIn(await other.hearAll()).client).toBe("2001:db8::7");
  });

  test("is demanded of its sources; the operator is told once", async () => {
    const events: unknown[] = [];
    const { port } = await openEdge({ ...options, onEvent: (event) => events.push(event) });
    for (const _ of [1, 2]) expect(await (await client(port)).say(get).hearAll()).toBe("");
    expect(events).toEqual([{ kind: "proxy-header-missing", address: "127.0.0.1" }]);
  });

  test.for([Buffer.from(version1), version2])(
    "is believed of nobody else; the operator is told once",
    async (header) => {
      const events: unknown[] = [];
      const { port } = await openEdge({ ...options, onEvent: (event) => events.push(event) });
      const stranger = () => client(port, "127.0.0.2");
      for (const _ of [1, 2])
        expect(await (await stranger()).say(Buffer.concat([header, Buffer.from(get)])).hearAll()).toBe("");
      expect(await (await stranger()).say(get).hearAll()).toContain('"client":"127.0.0.2"');
      expect(events).toEqual([{ kind: "proxy-header-unasked", address: "127.0.0.2" }]);
    },
  );

  test("is not what a health check sends that only connects, of which nobody is told", async () => {
    const events: unknown[] = [];
    const { port, edge } = await openEdge({ ...options, onEvent: (event) => events.push(event) });
    const checking = await client(port);
    checking.socket.end();
    await checking.hearAll();
    expect([events, edge.stats().peeking]).toEqual([[], 0]);
  });

  test("may be LOCAL, as a balancer's own health checks are", async () => {
    const { port } = await openEdge(options);
    const local = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");
    const raw = (await client(port)).say(Buffer.concat([local, Buffer.from(get)]));
    expect(seenIn(await raw.hearAll()).client).toBe("127.0.0.1");
  });
});
