import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminClients, tcpTransport } from "../support/admin-clients.ts";
import { TestDaemon } from "../support/daemon.ts";
import { ask } from "../support/plain-http.ts";

const host = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "listeners-"));
const [certPath, keyPath] = [join(folder, "tls.crt"), join(folder, "tls.key")];
const key = generateKey();
const ca = selfSignedCertificate(key, [parseIdentifier(host)], { now: Date.now(), days: 30 });
writeFileSync(certPath, ca);
writeFileSync(keyPath, keyPem(key));

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, host);
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describe("a daemon's unix socket", () => {
  test.for(["%2Frun%2Fheadscale%2Fheadscale.sock", "localhost", "["])(
    "answers calls whose authority is %j, as Go's gRPC makes it out of the path",
    async (authority) => {
      await using daemon = await TestDaemon.start();
      const session = connectHttp2("http://localhost", { createConnection: () => connect(daemon.socket) });
      const call = session.request({
        ":method": "POST",
        ":path": "/headscale.v1.HeadscaleService/Health",
        ":authority": authority,
        "content-type": "application/json",
      });
      call.end("{}");
      expect(JSON.parse(await text(call))).toMatchObject({ databaseConnectivity: true });
      session.destroy();
    },
  );
});

describe("a daemon with a certificate of its own", () => {
  let daemon: TestDaemon;
  const ports = { https: 0, http: 0, grpc: 0 };
  beforeAll(async () => {
    for (const name of ["https", "http", "grpc"] as const) ports[name] = await freePort();
    daemon = await TestDaemon.start({
      config: {
        server_url: `https://${host}:${ports.https}`,
        listen_addr: `${host}:${ports.https}`,
        redirect_listen_addr: `${host}:${ports.http}`,
        grpc_listen_addr: `${host}:${ports.grpc}`,
        grpc_allow_insecure: true,
        tls_cert_path: certPath,
        tls_key_path: keyPath,
      },
    });
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("serves HTTPS alone on its main address", async () => {
    const status = await new Promise((resolve, reject) => {
      const sent = requestHttps({ host, port: ports.https, path: "/health", ca, agent: false }, (response) =>
        resolve(response.resume().statusCode),
      );
      sent.on("error", reject).end();
    });
    expect(status).toBe(200);
    const plain = await ask(`http://${host}:${ports.https}`, { path: "/health" });
    expect(plain).toMatchObject({ status: 400, body: "This port speaks HTTPS.\n" });
  });

  test.for(["/health", "/api/v1/user", "/key?v=140", "/metrics", "/derp/probe", "//elsewhere.test/x", "/verify"])(
    "sends plain HTTP for %s on to its URL, and answers nothing there",
    async (path) => {
      const answer = await ask(`http://${host}:${ports.http}`, { path });
      expect(answer.status).toBe(302);
      expect(answer.headers.location).toBe(`https://${host}:${ports.https}/${path.replace(/^\/+/, "")}`);
    },
  );

  test("answers the captive-portal check over plain HTTP, and no challenge, for it asks for no certificate", async () => {
    const asked = { path: "/generate_204", headers: { "x-tailscale-challenge": "ts_127.0.0.1" } };
    const answer = await ask(`http://${host}:${ports.http}`, asked);
    expect(answer).toMatchObject({ status: 204, headers: { "x-tailscale-response": "response ts_127.0.0.1" } });
    const challenge = await ask(`http://${host}:${ports.http}`, { path: "/.well-known/acme-challenge/token" });
    expect(challenge.status).toBe(302);
  });

  test("serves gRPC without TLS on the address for which that is allowed", async () => {
    const authorization = `Bearer ${await daemon.apiKey()}`;
    const transport = tcpTransport(`http://${host}:${ports.grpc}`, { protocol: "gRPC", headers: { authorization } });
    expect((await adminClients(transport).headscale.listUsers({})).users).toEqual([]);
  });

  test("stops though somebody holds connections to each of its addresses", async () => {
    const sessions = [ports.grpc].map((port) => connectHttp2(`http://${host}:${port}`));
    for (const session of sessions) session.on("error", () => {});
    await Promise.all(sessions.map((session) => new Promise((resolve) => session.once("connect", resolve))));
    const ended = sessions.map((session) => new Promise((resolve) => session.once("close", resolve)));
    await daemon.stop();
    await Promise.all(ended);
    await expect(ask(`http://${host}:${ports.http}`, { path: "/" })).rejects.toThrow(/ECONNREFUSED/);
  });
});
