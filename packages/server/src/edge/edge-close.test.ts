import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import type { EdgeResponse } from "./http-message.ts";
import { openEdge } from "./testing/open-edge.ts";
import { RawClient } from "./testing/raw-client.ts";

async function client(port: number): Promise<RawClient> {
  const raw = await RawClient.connect(port);
  onTestFinished(() => raw[Symbol.dispose]());
  return raw;
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const upgrade = "GET /derp HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: DERP\r\n\r\n";

/** A handler that begins an answer and finishes it when told. */
function slowHandler() {
  const finish = Promise.withResolvers<void>();
  const request = async (_: unknown, response: EdgeResponse) => {
    (response as ServerResponse).write("begun ");
    await finish.promise;
    response.end("finished");
  };
  return { request, finish: () => finish.resolve() };
}

describe("close", () => {
  test("finishes what is in flight, on both versions, and accepts nothing more", async () => {
    const { request, finish } = slowHandler();
    const { edge, port, url } = await openEdge({ request });
    const http1 = (await client(port)).say(get);
    await http1.hear(/begun/);
    const session = connectHttp2(url);
    const stream = session.request({ ":path": "/" });
    await once(stream, "response");
    const closed = edge.close();
    expect(edge.closing.aborted).toBe(true);
    const late = await RawClient.connect(port);
    expect(await late.say(get).hearAll()).toBe("");
    finish();
    expect(await text(stream)).toBe("begun finished");
    expect(await http1.hearAll()).toMatch(/finished/);
    await closed;
    expect(edge.stats()).toMatchObject({ connections: 0, sessions: 0, tunnels: 0 });
  });

  test("ends kept-alive, silent and idle connections at once", async () => {
    const { edge, port, url } = await openEdge();
    const keptAlive = (await client(port)).say(get);
    await keptAlive.hear(/}/);
    const silent = await client(port);
    const session = connectHttp2(url);
    await once(session, "remoteSettings");
    await edge.close(600_000);
    await Promise.all([keptAlive.closed, silent.closed]);
    expect(edge.stats().connections).toBe(0);
  });

  test("tells HTTP/1.1 clients that wait for an answer not to come back on this connection", async () => {
    const go = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { edge, port } = await openEdge({
      request: async (_, response) => {
        arrived.resolve();
        await go.promise;
        response.end("answer");
      },
    });
    const waiting = (await client(port)).say(get);
    await arrived.promise;
    const closed = edge.close();
    go.resolve();
    expect(await waiting.hearAll()).toMatch(/answer/);
    await closed;
  });

  test("lets tunnels say goodbye, then ends those that stay", async () => {
    const { edge, port } = await openEdge({
      limits: { tunnelGraceMs: 100 },
      upgrade: (_, socket) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        edge.closing.addEventListener("abort", () => socket.write("goodbye"));
      },
    });
    const tunnel = (await client(port)).say(upgrade);
    await tunnel.hear(/101/);
    await edge.close(600_000);
    expect(await tunnel.hearAll()).toMatch(/goodbye$/);
  });

  test("ends everything when its time is over", async () => {
    const { edge, port } = await openEdge({ request: () => {} });
    const stuck = (await client(port)).say(get);
    while (edge.stats().peeking > 0 || edge.stats().connections === 0) await new Promise(setImmediate);
    await edge.close(50);
    await stuck.closed;
    expect(stuck.heardText).toBe("");
  });

  test("ends everything at once when called again", async () => {
    const { edge, port } = await openEdge({ request: () => {} });
    (await client(port)).say(get);
    while (edge.stats().peeking > 0 || edge.stats().connections === 0) await new Promise(setImmediate);
    const patient = edge.close(600_000);
    await edge.close(600_000);
    await patient;
    expect(edge.stats().connections).toBe(0);
  });
});
