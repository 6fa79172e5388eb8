import { once } from "node:events";
import http2, { type ClientHttp2Session, type Http2ServerRequest } from "node:http2";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { BodyError, type BodyLimits, readBody, readBodyBytes } from "./body.ts";

/** HTTP/2 over the loopback; each request's body goes to `read`, and what comes of it into the answer. */
async function serving(read: (request: Http2ServerRequest) => Promise<string | Buffer>) {
  const outcomes: string[] = [];
  const server = http2.createServer((request, response) => {
    read(request).then(
      (body) => {
        outcomes.push("read");
        response.end(body);
      },
      (error: unknown) => {
        outcomes.push(error instanceof BodyError ? error.code : String(error));
        if (!response.stream.destroyed) response.writeHead(400).end(String(error));
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on("error", () => {});
  const dispose = async () => {
    session.destroy();
    server.close();
  };
  return { session, outcomes, [Symbol.asyncDispose]: dispose };
}
const limits: BodyLimits = { maxBytes: 100, timeoutMs: 10_000 };
const post = (session: ClientHttp2Session, method = "POST") =>
  session.request({ ":method": method, ":path": "/" }, { endStream: false });

describe("readBody", () => {
  test.for(["POST", "GET", "PATCH"])("reads the body of a %s: clients send one with all of them", async (method) => {
    await using lab = await serving((request) => readBody(request, limits));
    const stream = post(lab.session, method);
    stream.end("hällo");
    expect(await text(stream)).toBe("hällo");
  });

  test("puts together what comes in pieces, split inside a letter too", async () => {
    await using lab = await serving((request) => readBody(request, limits));
    const stream = post(lab.session);
    for (const byte of Buffer.from("ä€𝄞")) {
      stream.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.end();
    expect(await text(stream)).toBe("ä€𝄞");
  });

  test("takes a body of exactly the limit, and an empty one", async () => {
    await using lab = await serving((request) => readBody(request, limits));
    for (const body of ["x".repeat(100), ""]) {
      const stream = post(lab.session);
      stream.end(body);
      expect(await text(stream)).toBe(body);
    }
  });

  test("refuses one byte more, and the connection lives on", async () => {
    await using lab = await serving((request) => readBody(request, limits));
    const long = post(lab.session);
    long.end("x".repeat(101));
    expect(await text(long)).toContain("too long");
    expect(lab.outcomes).toEqual(["too-long"]);
    const next = post(lab.session);
    next.end("next");
    expect(await text(next)).toBe("next");
  });

  test("refuses an endless body without waiting for its end or keeping it", async () => {
    await using lab = await serving((request) => readBody(request, limits));
    const stream = post(lab.session);
    stream.on("error", () => {});
    stream.write(Buffer.alloc(1 << 20));
    expect(await text(stream)).toContain("too long");
    stream.close();
  });

  test("refuses a body that takes too long", async () => {
    await using lab = await serving((request) => readBody(request, { ...limits, timeoutMs: 50 }));
    const stream = post(lab.session);
    stream.on("error", () => {});
    stream.write("x");
    expect(await text(stream)).toContain("too long");
    expect(lab.outcomes).toEqual(["too-slow"]);
    stream.close();
  });

  test("gives up when the client does", async () => {
    await using lab = await serving((request) => readBody(request, limits));
    const stream = post(lab.session);
    stream.on("error", () => {});
    stream.write("x");
    await once(stream, "ready").catch(() => undefined);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await expect.poll(() => lab.outcomes).toEqual(["aborted"]);
  });

  test("gives up when the whole connection breaks", async () => {
    await using lab = await serving((request) => readBody(request, limits));
    const stream = post(lab.session);
    stream.on("error", () => {});
    stream.write("x");
    await once(lab.session, "connect");
    await new Promise((resolve) => lab.session.ping(resolve));
    lab.session.destroy();
    await expect.poll(() => lab.outcomes).toEqual(["aborted"]);
  });
});

describe("readBodyBytes", () => {
  test("leaves bytes that are no text as they are", async () => {
    await using lab = await serving((request) => readBodyBytes(request, { ...limits, maxBytes: 1000 }));
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const stream = post(lab.session);
    stream.end(bytes);
    expect(await buffer(stream)).toEqual(bytes);
  });
});
