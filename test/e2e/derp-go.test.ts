import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRelay, MeshKey, MeshLink, openToAll, type Relay } from "@headscale/derp";
import { connectDerp, type DerpMessage } from "@headscale/derp/client";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  buildGoPrograms,
  runClient,
  runWebSocketClient,
  startDaemon,
  startDerper,
  startOurs,
} from "../bench/derp/programs.ts";
import { until } from "./lab/until.ts";
import { freePort } from "./pebble/pebble.ts";

const MESH_KEY = "5".repeat(64);
/** What a client without the mesh key can find of a relay. */
const everything = {
  Relayed: true,
  RelayedLarge: true,
  RelayedToSelf: true,
  Ponged: true,
  NotHereForDisco: true,
  SilentForData: true,
  GoneAfterLeaving: true,
};

beforeAll(buildGoPrograms, 600_000);

async function workspace() {
  const directory = await mkdtemp(join(tmpdir(), "derp-go-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const meshKeyFile = join(directory, "mesh.key");
  await writeFile(meshKeyFile, `${MESH_KEY}\n`);
  return { directory, meshKeyFile };
}

/** Where a relay of this process can be reached, without TLS. */
async function listen(relay: Relay): Promise<URL> {
  const server = createServer().on("upgrade", (request, socket, head) => relay.accept(request, socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/derp`);
}

describe("Go's own derphttp client", () => {
  test("starts fast at our relay with its certificate pinned, and finds everything a relay does", async () => {
    const { meshKeyFile } = await workspace();
    const metrics = `127.0.0.1:${await freePort()}`;
    await using relay = await startOurs("--mesh-psk-file", meshKeyFile, "--metrics-listen", metrics);
    expect(await runClient("check", relay.node, "-mesh-key", MESH_KEY)).toEqual({
      ServerKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      MetaCertificate: true,
      TLSVersion: "TLS 1.3",
      ...everything,
      WatchedArrival: true,
      WatchedDeparture: true,
      ClosedByMesh: true,
    });
    const counted = await (await fetch(`http://${metrics}/metrics`)).text();
    expect(counted).toContain("\nderp_accepted_total 4\n");
    expect(counted).toContain("\nderp_fast_starts_total 4\n");
  });

  test.for([
    { says: "another certificate", change: (pin: string) => pin.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")) },
    { says: "upper-case digits", change: (pin: string) => pin.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase()) },
  ])("does not connect when the pin has $says", async ({ change }) => {
    await using relay = await startOurs();
    const wrong = { ...relay.node, CertName: change(relay.node.CertName) };
    await expect(runClient("check", wrong)).rejects.toThrow(/cert hash does not match/);
  });

  test("finds the same at the relay inside the daemon", async () => {
    const { directory } = await workspace();
    await using relay = await startDaemon(directory, await freePort());
    expect(await runClient("check", relay.node)).toMatchObject({ ...everything, MetaCertificate: true });
  });

  test.for([
    { says: "our relay", start: () => startOurs() },
    {
      says: "the relay inside the daemon",
      start: async (directory: string) => startDaemon(directory, await freePort()),
    },
  ])("finds the same inside a WebSocket at $says", async ({ start }) => {
    const { directory } = await workspace();
    await using relay = await start(directory);
    const found = await runWebSocketClient(directory, "check", relay.node, "-large", "32000");
    expect(found).toMatchObject(everything);
  });

  test("sees no difference between our relay and derper", async () => {
    const { directory, meshKeyFile } = await workspace();
    await using ours = await startOurs("--mesh-psk-file", meshKeyFile);
    await using theirs = await startDerper(directory, await freePort(), "-mesh-psk-file", meshKeyFile);
    const found = await Promise.all([ours, theirs].map(({ node }) => runClient("check", node, "-mesh-key", MESH_KEY)));
    const withoutKey = found.map((result) => ({ ...result, ServerKey: "" }));
    expect(withoutKey[0]).toEqual(withoutKey[1]);
  });
});

describe("a mesh of our relay with derper", () => {
  test("carries packets from a client of ours to a client of derper's", async () => {
    const { directory, meshKeyFile } = await workspace();
    await using derper = await startDerper(directory, await freePort(), "-mesh-psk-file", meshKeyFile);
    const url = new URL(`https://127.0.0.1:${derper.node.DERPPort}/derp`);
    const tls = { rejectUnauthorized: false };
    const privateKey = new PrivateKey(randomBytes(32));
    const meshKey = MeshKey.parse(MESH_KEY) as MeshKey;
    await using relay = createRelay({ privateKey, verifier: openToAll, meshKey });
    await using link = new MeshLink({ relay, url, tls, privateKey, meshKey });
    const heard: DerpMessage[] = [];
    const there = await connectDerp(url, {
      privateKey: new PrivateKey(randomBytes(32)),
      tls,
      onMessage: (message) => heard.push(message),
    });
    onTestFinished(() => there.close());
    await until({ what: "derper's client at our relay", withinMs: 10_000, probe: async () => link.presentKeys > 0 });

    const here = await connectDerp(await listen(relay), { privateKey: new PrivateKey(randomBytes(32)) });
    here.send(there.publicKey, Buffer.from("across"));
    await until({ what: "the packet", withinMs: 10_000, probe: async () => heard.length > 0 });
    expect(heard[0]).toEqual({ kind: "packet", source: here.publicKey, packet: Buffer.from("across") });
  });
});
