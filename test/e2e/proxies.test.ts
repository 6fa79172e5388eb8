import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect as connectHttp2, type Http2ServerResponse } from "node:http2";
import { Agent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect } from "node:tls";
import { controlUpgrades, createEdge } from "@headscale/server/edge/edge";
import type { EdgeRequest, EdgeResponse } from "@headscale/server/edge/http-message";
import { clientAddress } from "@headscale/server/edge/request-origin";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { freePort } from "./pebble/pebble.ts";
import { proxies, type ReverseProxy, startProxy } from "./proxies/proxy.ts";

/** Where clients dial from: not the proxy's address, which is trusted. */
const here = "127.0.0.2";

/** Every shape of traffic that headscale has, on one edge. */
function createServer() {
  const websockets = new WebSocketServer({ noServer: true });
  const upgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === "websocket")
      return websockets.handleUpgrade(request, socket, head, (peer) => peer.on("message", (data) => peer.send(data)));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.write(`for ${clientAddress(request)}\n`);
    socket.write(head);
    socket.pipe(socket);
  };
  return createEdge({ trustedProxies: ["127.0.0.1/32"], upgrades: controlUpgrades, upgrade, request: answer });
}

function answer(request: EdgeRequest, response: EdgeResponse): void {
  if (/^application\/grpc([+;]|$)/.test(request.headers["content-type"] ?? ""))
    answerGrpc(request, response as Http2ServerResponse);
  else if (request.url === "/stream") void stream(response as ServerResponse);
  else
    request
      .resume()
      .once("end", () => response.end(JSON.stringify({ for: clientAddress(request), version: request.httpVersion })));
}

/** Two messages and the trailers that gRPC stands or falls with. */
function answerGrpc(request: EdgeRequest, response: Http2ServerResponse): void {
  response.setHeader("content-type", "application/grpc+proto");
  response.addTrailers({
    "grpc-status": "0",
    "grpc-message": `for ${clientAddress(request)} by ${request.httpVersion}`,
  });
  request.once("data", (message: Buffer) => {
    response.write(message);
    request.once("end", () => response.end(message));
  });
}

const waiting: (() => void)[] = [];
/** Says one piece, and the next when the test has heard the first. */
async function stream(response: ServerResponse): Promise<void> {
  response.write("first");
  await new Promise<void>((resolve) => waiting.push(resolve));
  response.end("second");
}

describe.for(proxies)("behind %s", (name) => {
  const edge = createServer();
  let proxy: ReverseProxy;
  beforeAll(async () => {
    const { port = 0 } = await edge.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    proxy = await startProxy(name, await freePort(), port);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await edge.close(0);
  });

  const target = () => ({ host: "127.0.0.1", localAddress: here, port: proxy.port, ca: proxy.ca });
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const sent = requestHttps({ ...target(), path, headers, agent: new Agent() }).end();
    const [response] = await once(sent, "response");
    return response as IncomingMessage;
  };
  const session = () => {
    const opened = connectHttp2(`https://127.0.0.1:${proxy.port}`, {
      createConnection: () => connect({ ...target(), ALPNProtocols: ["h2"] }),
    });
    onTestFinished(() => opened.destroy());
    return opened;
  };
  const dial = async (options: ConnectionOptions = {}) => {
    const socket = connect({ ...target(), ...options });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    return socket;
  };

  test("a request is known by the client's address, whatever the client claims", async () => {
    const claimed = ["x-forwarded-for", "x-real-ip", "true-client-ip"].map((name) => [name, "192.0.2.7"] as const);
    const claims = { ...Object.fromEntries(claimed), forwarded: "for=192.0.2.7" };
    for (const headers of [{}, claims])
      expect(JSON.parse(await text(await ask("/", headers)))).toEqual({ for: here, version: "1.1" });
  });

  test.for(["tailscale-control-protocol", "DERP"])("an upgrade to %s by POST is a tunnel", async (protocol) => {
    const socket = await dial();
    socket.write(
      `POST /ts2021 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\nContent-Length: 0\r\n\r\n`,
    );
    const heard = await hear(socket, /for 127\.0\.0\.2\n/);
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 101 .*upgrade: ${protocol}\r\n`, "is"));
    const pieces = ["one byte at a time", "x".repeat(200_000)];
    for (const piece of pieces) {
      socket.write(piece);
      await hear(socket, new RegExp(`${piece.slice(-9)}$`));
    }
  });

  test("an end goes through, and comes back", async () => {
    const socket = await dial();
    socket.write("GET /derp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: DERP\r\n\r\n");
    await hear(socket, /for 127/);
    socket.end();
    await once(socket.resume(), "end");
  });

  test("a WebSocket carries messages both ways", async () => {
    const peer = new WebSocket(`wss://127.0.0.1:${proxy.port}/ts2021`, { ca: proxy.ca });
    onTestFinished(() => peer.terminate());
    await once(peer, "open");
    for (const size of [1, 100_000]) {
      const message = Buffer.alloc(size, "m");
      peer.send(message);
      const [echoed] = await once(peer, "message");
      expect(message.equals(echoed as Buffer)).toBe(true);
    }
  });

  test("a streamed answer arrives piece by piece", async () => {
    const response = await ask("/stream");
    const [first] = await once(response, "data");
    expect(String(first)).toBe("first");
    waiting.pop()?.();
    expect(await text(response)).toBe("second");
  });

  test("gRPC goes through with its trailers, streamed both ways", async () => {
    const stream = session().request({
      ":method": "POST",
      ":path": "/s/M",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    const trailers = once(stream, "trailers");
    stream.write("12345");
    const [first] = await once(stream, "data");
    expect(String(first)).toBe("12345");
    stream.end();
    expect(await text(stream)).toBe("12345");
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "0", "grpc-message": `for ${here} by 2.0` });
  });

  test("gRPC-Web and Connect go through as ordinary requests", async () => {
    for (const type of ["application/json", "application/proto", "application/grpc-web+proto"]) {
      const stream = session().request({ ":method": "POST", ":path": "/s/M", "content-type": type });
      stream.end("body");
      expect(JSON.parse(await text(stream))).toEqual({ for: here, version: "1.1" });
    }
  });
});

/** Reads until what has come matches. */
async function hear(socket: Socket, pattern: RegExp): Promise<string> {
  let heard = "";
  while (!pattern.test(heard)) {
    const [chunk] = await once(socket, "data");
    heard += (chunk as Buffer).toString("latin1");
  }
  return heard;
}
