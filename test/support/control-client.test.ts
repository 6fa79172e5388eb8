import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { duplexPair } from "node:stream";
import { publicMachineKey } from "@headscale/noise";
import { keepAliveText } from "@headscale/tailcfg/codec";
import { ChallengeKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { type InnerRequest, mapFrame, type Script, ScriptedServer } from "./control/scripted-server.ts";
import { ControlClient } from "./control-client.ts";

const nodeKeyChallenge = ChallengeKey.parse(`chalpub:${"5f".repeat(32)}`);
const self = {
  ID: 1,
  StableID: "n1",
  Name: "a.example.test.",
  User: 1,
  Key: NodeKey.zero,
  Addresses: ["100.64.0.1/32"],
};
const peer = { ...self, ID: 2, StableID: "n2", Name: "b.example.test.", Online: true };

/** Answers every request with its own JSON. */
const mirror: Script = (request, response) => response.end(JSON.stringify(request));

describe("ControlClient", () => {
  test.for(["socket", "websocket", "unix socket", "stream in memory"])("registers over a %s", async (kind) => {
    await using scripted = new ScriptedServer(mirror, { nodeKeyChallenge });
    const folder = mkdtempSync(path.join(tmpdir(), "control-"));
    const server =
      kind === "stream in memory"
        ? scripted.overStream(() => duplexPair())
        : await scripted.listen(kind === "unix socket" ? path.join(folder, "s") : undefined);
    await using client = new ControlClient({ server, version: 113, websocket: kind === "websocket" });
    const asked = (await client.register({ authKey: "k" })) as unknown as InnerRequest;
    expect(asked).toMatchObject({ method: "POST", path: "/machine/register", version: 113 });
    expect(asked.machineKey).toBe(publicMachineKey(client.machineKey));
    expect(JSON.parse(asked.body)).toMatchObject({ Version: 113, NodeKey: client.nodeKey, Auth: { AuthKey: "k" } });
    expect(await client.earlyPayload()).toEqual({ nodeKeyChallenge });
    rmSync(folder, { recursive: true });
  });

  test("asks for the server's key once for all clients", async () => {
    await using scripted = new ScriptedServer(mirror);
    const server = await scripted.listen();
    await using one = new ControlClient({ server });
    await using two = new ControlClient({ server });
    await Promise.all([one.register(), two.register()]);
    expect(scripted.plain).toEqual(["GET /key?v=145"]);
  });

  test("sends zero keys and times as Go does, and the old key after a rotation", async () => {
    await using scripted = new ScriptedServer(mirror);
    await using client = new ControlClient({ server: await scripted.listen() });
    const body = async () => JSON.parse(((await client.register()) as unknown as InnerRequest).body);
    expect(await body()).toMatchObject({ OldNodeKey: NodeKey.zero, Expiry: "0001-01-01T00:00:00Z", Followup: "" });
    const first = client.nodeKey;
    client.rotateNodeKey();
    expect(await body()).toMatchObject({ OldNodeKey: first, NodeKey: client.nodeKey });
    expect(client.nodeKey).not.toBe(first);
  });

  test("reports a refusal with status and text", async () => {
    await using scripted = new ScriptedServer((_, response) => response.writeHead(401).end("not your node"));
    await using client = new ControlClient({ server: await scripted.listen() });
    const refusal = { code: "status", status: 401, message: expect.stringContaining("not your node") };
    await expect(client.register()).rejects.toMatchObject(refusal);
    await expect(client.openMap()).rejects.toMatchObject(refusal);
    await expect(client.liteUpdate()).rejects.toMatchObject(refusal);
  });

  test("dials anew after its connection was cut", async () => {
    await using scripted = new ScriptedServer(mirror);
    await using client = new ControlClient({ server: await scripted.listen() });
    await client.register();
    await client.drop();
    await expect(client.register()).resolves.toBeDefined();
  });

  test("says which of the three map requests it makes", async () => {
    const asked: object[] = [];
    await using scripted = new ScriptedServer(({ body }, response) => {
      asked.push(JSON.parse(body));
      response.end(mapFrame({ Node: self }));
    });
    await using client = new ControlClient({ server: await scripted.listen() });
    await client.liteUpdate({ endpoints: ["192.0.2.1:7"] });
    expect(await client.fetchMap()).toEqual({ Node: self });
    await using stream = await client.openMap();
    for await (const message of stream.messages()) expect(message.Node?.ID).toBe(1);
    expect(asked).toMatchObject([
      { OmitPeers: true, Endpoints: ["192.0.2.1:7"], EndpointTypes: [1], Compress: "zstd", KeepAlive: true },
      { ReadOnly: true },
      { Stream: true },
    ]);
    expect(asked[0]).not.toHaveProperty("Stream");
  });

  test("follows a stream that comes in pieces", async () => {
    const bytes = Buffer.concat([
      mapFrame(keepAliveText),
      mapFrame({ Node: self, Peers: [peer] }),
      mapFrame({ PeersChangedPatch: [{ NodeID: 2, Online: false }] }),
    ]);
    await using scripted = new ScriptedServer((_, response) => {
      for (const byte of bytes) response.stream.write(Uint8Array.of(byte));
    });
    await using client = new ControlClient({ server: await scripted.listen() });
    await using followed = await client.follow();
    const netmap = await followed.until((map) => map.peers.get(2)?.Online === false, "the peer is offline");
    expect(netmap.peerNamed("b")?.ID).toBe(2);
    expect([followed.keepAlives, netmap.messages, netmap.rebuilds]).toEqual([1, 2, 1]);
  });

  test("counts messages without reading them", async () => {
    const frames = [mapFrame({ Node: self }), mapFrame("not JSON at all")];
    await using scripted = new ScriptedServer((_, response) => response.end(Buffer.concat(frames)));
    await using client = new ControlClient({ server: await scripted.listen() });
    const sizes: number[] = [];
    await (await client.openMap()).skim((bytes) => sizes.push(bytes));
    expect(sizes).toEqual(frames.map(({ length }) => length - 4));
  });

  test("ends a poll when its loop is left", async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    await using scripted = new ScriptedServer(({ body }, response) => {
      if (body.includes("OmitPeers")) return response.end();
      response.stream.on("close", resolve).on("error", () => {});
      response.write(mapFrame({ Node: self }));
    });
    await using client = new ControlClient({ server: await scripted.listen() });
    for await (const message of client.map()) if (message.Node) break;
    await ended;
    await expect(client.liteUpdate()).resolves.toBeUndefined();
  });

  test.for([
    { says: "an end without a message", bytes: Buffer.alloc(0), code: "unexpected-eof" },
    { says: "an end inside a message", bytes: mapFrame({ Node: self }).subarray(0, 9), code: "unexpected-eof" },
    { says: "a first message without Node", bytes: mapFrame({ Domain: "x" }), code: "map-without-node" },
    { says: "uncompressed JSON", bytes: Buffer.from("\x02\0\0\0{}"), code: "bad-zstd" },
    { says: "the keep-alive that loses messages", bytes: mapFrame('{"KeepAlive":true}'), code: "trap" },
  ])("complains as a client would of $says", async ({ bytes, code }) => {
    await using scripted = new ScriptedServer((_, response) => response.end(bytes));
    await using client = new ControlClient({ server: await scripted.listen() });
    await using followed = await client.follow();
    expect(await followed.ended).toMatchObject({ name: "ClientFailure", code });
    await expect(followed.until(() => false, "never")).rejects.toMatchObject({ code: "unexpected-eof" });
  });

  test("names what it waited for in vain", async () => {
    await using scripted = new ScriptedServer((_, response) => response.write(mapFrame({ Node: self })));
    await using client = new ControlClient({ server: await scripted.listen() });
    await using followed = await client.follow();
    const waiting = followed.until((map) => map.peers.size > 0, "a peer comes", 5);
    await expect(waiting).rejects.toMatchObject({ code: "timeout", message: expect.stringContaining("a peer comes") });
  });
});

describe("pings", () => {
  /** Sends `pings` in a stream and gives the requests that came of them, in and outside Noise. */
  async function answersTo(...pings: readonly object[]): Promise<{ inside: InnerRequest[]; outside: string[] }> {
    const inside: InnerRequest[] = [];
    await using scripted = new ScriptedServer((request, response) => {
      if (request.path !== "/machine/map") inside.push(request);
      if (request.path !== "/machine/map") response.end();
      else {
        response.write(mapFrame({ Node: self }));
        for (const PingRequest of pings) response.write(mapFrame({ KeepAlive: true, PingRequest }));
        response.write(mapFrame({ Domain: "done" }));
      }
    });
    await using client = new ControlClient({ server: await scripted.listen() });
    await using followed = await client.follow();
    await followed.until(({ domain }) => domain === "done", "the last message");
    const expected = new Set(pings.map((ping) => (ping as { URL: string }).URL)).size;
    while (client.pings.answered + client.pings.failed < expected) await new Promise((next) => setTimeout(next, 1));
    return { inside, outside: scripted.plain };
  }

  test("are answered inside Noise when they ask so", async () => {
    const { inside } = await answersTo({ URL: "https://unused/p/1?x=2", URLIsNoise: true });
    expect(inside).toMatchObject([{ method: "HEAD", path: "/p/1?x=2", authority: "unused" }]);
  });

  test("are answered outside Noise otherwise", async () => {
    const { inside, outside } = await answersTo({ URL: "https://control.test/p/1" });
    expect([inside, outside]).toEqual([[], ["GET /key?v=145", "HEAD /p/1"]]);
  });

  test("with a URL seen last are ignored", async () => {
    const [one, two] = ["https://unused/1", "https://unused/2"].map((URL) => ({ URL, URLIsNoise: true }));
    const { inside } = await answersTo({ ...one }, { ...one }, { ...two });
    expect(inside.map((request) => request.path).sort()).toEqual(["/1", "/2"]);
  });

  test("carry requests to the node and its answers back", async () => {
    const Payload = Buffer.from("GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi").toString("base64");
    const { inside } = await answersTo({ URL: "https://unused/c2n/7", Types: "c2n", Payload });
    expect(inside).toMatchObject([{ method: "POST", path: "/c2n/7" }]);
    expect(inside[0]?.body).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhi$/s);
  });

  test("that can't be answered do no harm", async () => {
    const { inside } = await answersTo({ URL: "https://unused/c2n/7", Types: "c2n", Payload: "bm9uc2Vuc2U=" });
    expect(inside).toEqual([]);
  });
});
