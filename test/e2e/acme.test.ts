import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import {
  type CertificateEvent,
  type CertificateManager,
  type CertificateManagerOptions,
  type Clock,
  createCertificateManager,
  folderCache,
  systemClock,
} from "@headscale/acme";
import { createEdge } from "@headscale/server/edge/edge";
import { port80Handler } from "@headscale/server/edge/port-80";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { until } from "./lab/until.ts";
import { buildPebble, freePort, type PebbleOptions, startPebble } from "./pebble/pebble.ts";

beforeAll(buildPebble, 600_000);

/** A server's two ports as `server_url` https://hs.test.example would have them; the certificate is set later. */
async function openServer(breakAnswer = (answer: string | undefined) => answer) {
  let manager: CertificateManager | undefined;
  const held = { current: () => manager?.current(), alpnContext: (name: string) => manager?.alpnContext(name) };
  let changed = (_: { key: string; cert: string }) => {};
  const onChange = (listener: typeof changed) => {
    changed = listener;
    return () => {};
  };
  const http01 = async (token: string) => breakAnswer(await manager?.http01(token));
  const plain = createEdge({ request: port80Handler({ serverUrl: "https://hs.test.example", http01 }) });
  const secure = createEdge({
    request: (_, response) => response.end("served"),
    tls: { certificates: { ...held, onChange } },
  });
  onTestFinished(async () => {
    await manager?.[Symbol.asyncDispose]();
    await Promise.all([plain.close(0), secure.close(0)]);
  });
  const http = await plain.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const tls = await secure.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const [httpPort, tlsPort] = [http.port ?? 0, tls.port ?? 0];
  for (const [edge, port] of [
    [plain, httpPort],
    [secure, tlsPort],
  ] as const)
    await edge.listen({ kind: "tcp", host: "::1", port });
  return {
    httpPort,
    tlsPort,
    /** From now on `next` answers challenges and provides the certificate; its predecessor stops. */
    async use(next: CertificateManager) {
      await manager?.[Symbol.asyncDispose]();
      manager = next;
      next.onChange((pair) => changed(pair));
      next.start();
    },
  };
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "acme-e2e-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function pebbleForTest(options: PebbleOptions) {
  const pebble = await startPebble(options);
  onTestFinished(() => pebble[Symbol.asyncDispose]());
  return pebble;
}

/** A manager, and all that it told. */
async function makeManager(options: Omit<CertificateManagerOptions, "onEvent">) {
  const events: CertificateEvent[] = [];
  const manager = await createCertificateManager({ ...options, onEvent: (event) => events.push(event) });
  const evidence = () =>
    JSON.stringify(events.map((event) => ("error" in event ? [event.kind, String(event.error)] : event.kind)));
  const certificate = () =>
    until({ what: "a certificate", withinMs: 60_000, probe: () => manager.current()?.cert, evidence });
  return { manager, events, certificate };
}

/** Waits sixty times as fast as the world, so that a retry after a minute comes after a second. */
function hastyClock(): Clock {
  const begun = Date.now();
  return {
    now: () => begun + (Date.now() - begun) * 60,
    random: Math.random,
    sleep: (ms, signal) => systemClock.sleep(ms / 60, signal),
  };
}

/** A handshake that verifies the chain and the name; returns the serial number. */
async function verifiedHandshake(port: number, ca: string, target: ConnectionOptions): Promise<string> {
  const socket = connect({ port, ca, ...target });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}

const names = ["hs.test.example", "derp.test.example", "127.0.0.1", "::1"];

describe("certificates from Pebble", () => {
  test.for(["HTTP-01", "TLS-ALPN-01"] as const)(
    "come by %s for names and addresses, though half of the nonces are refused",
    async (challenge) => {
      const server = await openServer();
      const pebble = await pebbleForTest({ ...server, refusedNonces: 50 });
      const { manager, certificate, events } = await makeManager({
        names,
        challenge,
        directories: [{ url: pebble.directory }],
        email: "admin@test.example",
        cache: folderCache(await makeFolder()),
      });
      await server.use(manager);
      await certificate();
      expect(events.map(({ kind }) => kind)).toEqual(["issued"]);
      const root = await pebble.root();
      for (const name of names.slice(0, 2))
        await verifiedHandshake(server.tlsPort, root, { host: "127.0.0.1", servername: name });
      for (const host of names.slice(2)) await verifiedHandshake(server.tlsPort, root, { host });
    },
  );

  test("are renewed in time, as replacements, and served without a pause", async () => {
    const server = await openServer();
    const pebble = await pebbleForTest({ ...server, validSeconds: 12, refusedNonces: 50 });
    const { manager, certificate, events } = await makeManager({
      names: ["hs.test.example"],
      challenge: "TLS-ALPN-01",
      directories: [{ url: pebble.directory }],
      cache: folderCache(await makeFolder()),
    });
    await server.use(manager);
    const first = new X509Certificate(await certificate());
    const root = await pebble.root();
    const target = { host: "127.0.0.1", servername: "hs.test.example" };
    const serials = new Set<string>();
    await until({
      what: "three certificates",
      withinMs: 60_000,
      probe: async () => serials.add(await verifiedHandshake(server.tlsPort, root, target)).size >= 3,
    });
    expect(serials).toContain(first.serialNumber);
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(["issued"]));
  });

  test("come out of the cache after a restart, though the authority is gone", async () => {
    const server = await openServer();
    const cache = folderCache(await makeFolder());
    const options = { names, challenge: "HTTP-01", cache } as const;
    const pebble = await startPebble(server);
    const directories = [{ url: pebble.directory }];
    const before = await makeManager({ ...options, directories });
    await server.use(before.manager);
    const issued = await before.certificate();
    await pebble[Symbol.asyncDispose]();
    const after = await makeManager({ ...options, directories });
    expect(after.manager.current()?.cert).toBe(issued);
    await server.use(after.manager);
    await until({ what: "the question for a window", withinMs: 30_000, probe: () => after.events.length > 0 });
    expect(after.events.map(({ kind }) => kind)).toEqual(["renewal-info-failed"]);
    expect(after.manager.current()?.cert).toBe(issued);
  });

  test("come once the authority is up, when it was down at start", async () => {
    const server = await openServer();
    const port = await freePort();
    const { manager, certificate, events } = await makeManager({
      names: ["hs.test.example"],
      challenge: "HTTP-01",
      directories: [{ url: `https://127.0.0.1:${port}/dir` }],
      cache: folderCache(await makeFolder()),
      clock: hastyClock(),
    });
    await server.use(manager);
    await until({ what: "two failures", withinMs: 30_000, probe: () => events.length >= 2 });
    expect(events).toEqual(
      events.map(() => expect.objectContaining({ error: expect.objectContaining({ code: "unreachable" }) })),
    );
    await pebbleForTest({ ...server, port });
    await certificate();
  });

  test("come after validations that failed, with the reason told", async () => {
    let failures = 2;
    const server = await openServer((answer) => (failures > 0 ? "wrong" : answer));
    const pebble = await pebbleForTest({ ...server, refusedNonces: 50 });
    const { manager, certificate, events } = await makeManager({
      names: ["hs.test.example"],
      challenge: "HTTP-01",
      directories: [{ url: pebble.directory }],
      cache: folderCache(await makeFolder()),
      clock: hastyClock(),
    });
    await server.use(manager);
    await until({
      what: "two failures",
      withinMs: 60_000,
      probe: () => {
        failures = 2 - events.length;
        return failures <= 0;
      },
    });
    await certificate();
    expect(events.slice(0, 2)).toEqual(
      Array(2).fill(
        expect.objectContaining({
          kind: "failed",
          error: expect.objectContaining({ code: "challenge-failed", problem: "unauthorized" }),
        }),
      ),
    );
  });

  test("come from the second authority while the first is away, bound to a customer's account", async () => {
    const server = await openServer();
    const hmacKey = Buffer.from("a secret of thirty-two bytes length").toString("base64url");
    const pebble = await pebbleForTest({ ...server, customers: { "customer-7": hmacKey } });
    const { manager, certificate, events } = await makeManager({
      names: ["hs.test.example"],
      challenge: "HTTP-01",
      directories: [
        { url: `https://127.0.0.1:${await freePort()}/dir` },
        { url: pebble.directory, eab: { kid: "customer-7", hmacKey } },
      ],
      cache: folderCache(await makeFolder()),
    });
    await server.use(manager);
    await certificate();
    expect(events.map(({ kind }) => kind)).toEqual(["failed", "issued"]);
  });

  test.for([
    { says: "no customer's account", eab: undefined, code: "bad-setting" },
    {
      says: "a wrong MAC key",
      eab: { kid: "customer-7", hmacKey: Buffer.from("x".repeat(32)).toString("base64url") },
      code: "refused",
    },
  ])("do not come with $says, which the authority wants", async ({ eab, code }) => {
    const server = await openServer();
    const hmacKey = Buffer.from("a secret of thirty-two bytes length").toString("base64url");
    const pebble = await pebbleForTest({ ...server, customers: { "customer-7": hmacKey } });
    const { manager, events } = await makeManager({
      names: ["hs.test.example"],
      challenge: "HTTP-01",
      directories: [{ url: pebble.directory, ...(eab && { eab }) }],
      cache: folderCache(await makeFolder()),
    });
    await server.use(manager);
    await until({ what: "the refusal", withinMs: 30_000, probe: () => events.length > 0 });
    expect(events).toEqual([expect.objectContaining({ error: expect.objectContaining({ code }) })]);
  });
});
