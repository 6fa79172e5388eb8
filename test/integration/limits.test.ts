import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connectDerp } from "@headscale/derp/client";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestDaemon } from "../support/daemon.ts";
import { ask, sayBytes } from "../support/plain-http.ts";

const relay = {
  server: { enabled: true, verify_clients: false, stun: { enabled: false } },
  paths: [],
};

describe("a daemon whose limits are tiny", () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await TestDaemon.start({
      config: {
        derp: relay,
        limits: {
          header_size: "1KiB",
          api_body: "1KiB",
          verify_body: "128",
          machine_body: "1KiB",
          sessions_per_machine: 1,
          http2: { streams: 2 },
          client: { hostinfo_size: "1KiB", endpoints: 1, request_window: "65535" },
          api: { page_size: 2, default_page_size: 1 },
          relay: { connections: 1, rate: 100_000, rate_burst: "128KiB" },
          shutdown_timeout: "1s",
        },
      },
    });
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  test("refuses a head longer than header_size", async () => {
    const said = await sayBytes(daemon.url, `GET /health HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(2000)}\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1.1 431 /);
  });

  test.for([
    { says: "api_body", path: "/api/v1/user", bytes: 2000 },
    { says: "verify_body", path: "/verify", bytes: 200 },
  ])("refuses a body longer than $says", async ({ path, bytes }) => {
    const headers = { authorization: `Bearer ${await daemon.apiKey()}`, "content-type": "application/json" };
    const body = JSON.stringify({ name: "x".repeat(bytes) });
    expect(await ask(daemon.url, { method: "POST", path, headers, body })).toMatchObject({ status: 413 });
  });

  test("tells HTTP/2 clients how many requests they may make at the same time", async () => {
    const session = connectHttp2(daemon.url);
    await once(session, "remoteSettings");
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 2, maxHeaderListSize: 1024 });
    session.close();
  });

  test("refuses a registration longer than machine_body", async () => {
    const client = daemon.client({ hostinfo: { DeviceModel: "x".repeat(2000) } });
    await expect(client.register()).rejects.toMatchObject({ code: "status", message: expect.stringContaining("413") });
  });

  test("refuses a second connection of a machine when it may have one", async () => {
    const first = daemon.client();
    await first.register();
    const again = daemon.client({ machineKey: first.machineKey });
    await expect(again.register()).rejects.toThrow(/429/);
    await first.drop();
  });

  test("refuses more endpoints than a client may have", async () => {
    const client = daemon.client();
    const body = { Version: client.version, NodeKey: client.nodeKey, Endpoints: ["192.0.2.1:1", "192.0.2.2:2"] };
    expect(await client.request({ method: "POST", path: "/machine/map", body })).toMatchObject({ status: 400 });
  });

  test("gives as many entries of the audit log as a page has", async () => {
    for (const name of ["anna", "bert", "carl"]) await daemon.admin.headscale.createUser({ name });
    const page = async (pageSize: number) => (await daemon.admin.audit.listChanges({ pageSize })).changes.length;
    expect([await page(0), await page(1), await page(2), await page(3)]).toEqual([1, 1, 2, 2]);
    await expect(page(-1)).rejects.toThrow(/page_size: not a positive number/);
  });

  test("relays for one client, at its rate, and sends the next one away", async () => {
    const client = await connectDerp(new URL(daemon.url), { privateKey: new PrivateKey(randomBytes(32)) });
    expect(await client.ready).toMatchObject({ tokenBucketBytesPerSecond: 100_000, tokenBucketBytesBurst: 131_072 });
    const upgrade = "GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\n";
    expect(await sayBytes(daemon.url, upgrade)).toMatch(/^HTTP\/1.1 503 /);
    client.close();
    await client.ended;
  });
});

describe("a daemon with little patience", () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await TestDaemon.start({
      config: {
        derp: relay,
        limits: {
          connections_per_address: 3,
          silent_connections: 2,
          handshake_timeout: "300ms",
          header_timeout: "300ms",
          request_timeout: "300ms",
          keep_alive_timeout: "300ms",
          http2: { idle_timeout: "300ms" },
          relay: { login_timeout: "300ms" },
          shutdown_timeout: "1s",
        },
      },
    });
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  const dial = async (): Promise<Socket> => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(daemon.url).port) });
    socket.on("error", () => {}).resume();
    await once(socket, "connect");
    return socket;
  };
  const closed = (socket: Socket) => (socket.closed ? Promise.resolve() : once(socket, "close"));
  const head = "HTTP/1.1\r\nHost: a\r\n";

  test.for([
    { says: "says nothing", words: "", answer: /^$/ },
    { says: "does not finish its head", words: `GET /health ${head}`, answer: /^HTTP\/1.1 408 / },
    {
      says: "does not finish its body",
      words: `POST /verify ${head}Content-Length: 9\r\n\r\n{`,
      answer: /^HTTP\/1.1 408 /,
    },
    { says: "has nothing more to say", words: `GET /health ${head}\r\n`, answer: /^HTTP\/1.1 200 / },
    {
      says: "speaks HTTP/2 and asks nothing",
      words: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
      answer: /^/,
    },
    {
      says: "does not log in to the relay",
      words: `GET /derp ${head}Connection: Upgrade\r\nUpgrade: DERP\r\n\r\n`,
      answer: /^HTTP\/1.1 101 /,
    },
  ])("hangs up on a client that $says", async ({ words, answer }) => {
    expect(await sayBytes(daemon.url, words)).toMatch(answer);
  });

  test("hangs up on the longest silent of too many, and refuses more connections of one address", async () => {
    const [first, second, third] = [await dial(), await dial(), await dial()];
    await closed(first);
    const others = [await dial(), await dial()];
    await closed(others[1] as Socket);
    for (const socket of [second, third, ...others]) socket.destroy();
  });
});

describe("a file that is larger than it may be", () => {
  test.for([
    {
      says: "limits.extra_records",
      config: { dns: { extra_records_path: "big", base_domain: "example.test" }, limits: { extra_records: 1 } },
      text: '[{"Name":"a","Type":"A","Value":"1.2.3.4"},{"Name":"b","Type":"A","Value":"1.2.3.4"}]',
    },
    {
      says: "limits.file_size",
      config: { policy: { path: "big" }, limits: { file_size: "1KiB" } },
      text: `{"acls": [] /* ${"x".repeat(2000)} */}`,
    },
  ])("stops the start, naming $says", async ({ says, config, text }) => {
    await using daemon = await TestDaemon.start();
    writeFileSync(join(daemon.folder, "big"), text);
    const refusal = await daemon.restart(config).then(
      () => "it started",
      (error: Error) => `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`,
    );
    expect(refusal).toContain(says);
  });
});
