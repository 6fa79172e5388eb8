import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { certificatePin, selfSignedCertificate } from "#certificate/certificate.ts";
import { connectDerp } from "#client/connect.ts";
import { until } from "#testing/frames.ts";
import { privateKey } from "#testing/relay-fixture.ts";
import { parseOptions } from "./options.ts";
import { startStandalone } from "./standalone.ts";

const BASE = ["--hostname", "127.0.0.1", "--listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "derp-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function start(...more: string[]) {
  const standalone = await startStandalone(parseOptions([...BASE, ...more]));
  onTestFinished(() => standalone[Symbol.asyncDispose]());
  const port = standalone.node.DERPPort ?? 0;
  const page = async (path: string, options: https.RequestOptions = {}) => {
    const request = https
      .request({ port, path, host: "127.0.0.1", rejectUnauthorized: false, agent: false, ...options })
      .end();
    const [response] = await once(request, "response");
    const body = Buffer.concat(await response.toArray()).toString();
    return { status: response.statusCode as number, headers: response.headers as Record<string, string>, body };
  };
  const join = (number: number) =>
    connectDerp(new URL(`https://127.0.0.1:${port}/derp`), {
      privateKey: privateKey(number),
      tls: { rejectUnauthorized: false },
    });
  return { ...standalone, port, page, join };
}

/** The certificates a server shows, outermost first, as TLS 1.2 shows them to everybody. */
async function shown(port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return {
    pin: `sha256-raw:${socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase()}`,
    protocol: socket.getProtocol(),
  };
}

/** What a server says in the clear of a TLS 1.2 handshake: its certificates, that is. */
async function handshakeBytes(port: number): Promise<Buffer> {
  let said = Buffer.alloc(0);
  const tap = net.createServer((client) => {
    const server = net.connect(port, "127.0.0.1");
    server.on("data", (chunk) => {
      said = Buffer.concat([said, chunk]);
    });
    client.pipe(server).pipe(client);
    client.on("close", () => server.destroy());
  });
  tap.listen(0, "127.0.0.1");
  await once(tap, "listening");
  const socket = tls.connect({
    port: (tap.address() as net.AddressInfo).port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    maxVersion: "TLSv1.2",
  });
  await once(socket, "secureConnect");
  socket.destroy();
  tap.close();
  await once(tap, "close");
  return said;
}

describe("a stand-alone relay", () => {
  test("says what to put into a DERP map, and lets clients in who follow it", async () => {
    const { node, join, relay, port } = await start();
    expect(node).toEqual({
      Name: "custom",
      RegionID: 900,
      HostName: "127.0.0.1",
      IPv4: "127.0.0.1",
      IPv6: "none",
      CertName: expect.stringMatching(/^sha256-raw:[0-9a-f]{64}$/),
      DERPPort: expect.any(Number),
      STUNPort: expect.any(Number),
    });
    expect((await shown(port)).pin).toBe(node.CertName);
    const client = await join(2);
    expect(client.serverKey).toBe(relay.publicKey);
    await until(() => relay.stats().connections === 1);
  });

  test.for(["TLSv1.2", "TLSv1.3"] as const)("speaks %s, to clients without ALPN and SNI", async (version) => {
    const { port } = await start();
    expect((await shown(port, { minVersion: version, maxVersion: version })).protocol).toBe(version);
  });

  test("answers the pages beside it", async () => {
    const { page } = await start("--bootstrap-dns-names", "127.0.0.1");
    expect(await page("/derp/probe")).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": "*" },
      body: "",
    });
    expect(await page("/derp/latency-check", { method: "HEAD" })).toMatchObject({ status: 200 });
    expect((await page("/derp/probe", { method: "POST" })).status).toBe(405);
    expect(await page("/generate_204", { headers: { "X-Tailscale-Challenge": "c" } })).toMatchObject({
      status: 204,
      headers: { "x-tailscale-response": "response c" },
    });
    expect((await page("/derp")).status).toBe(426);
    expect((await page("/derp", { headers: { Connection: "Upgrade", Upgrade: "h2c" } })).status).toBe(426);
    expect((await page("/")).headers["x-content-type-options"]).toBe("nosniff");
    expect((await page("/robots.txt")).body).toContain("Disallow: /");
    expect((await page("/constructor")).status).toBe(404);
    expect((await page("/elsewhere", { headers: { Connection: "Upgrade", Upgrade: "DERP" } })).status).toBe(404);
    let names = {};
    while (Object.keys(names).length === 0) names = JSON.parse((await page("/bootstrap-dns")).body) as object;
    expect(names).toEqual({ "127.0.0.1": ["127.0.0.1"] });
  });

  test("keeps key and certificate over a restart, readable by their owner only", async () => {
    const path = directory();
    const first = await start("--state-dir", path);
    await first[Symbol.asyncDispose]();
    const second = await start("--state-dir", path);
    expect(second.relay.publicKey).toBe(first.relay.publicKey);
    expect(second.node.CertName).toBe(first.node.CertName);
    for (const file of ["derper.key", "127.0.0.1.json"]) expect(statSync(join(path, file)).mode & 0o777).toBe(0o600);
  });

  test("serves a given certificate, and a renewed one after a reload, without a break for who is connected", async () => {
    const path = directory();
    const write = () => {
      const { cert, key } = selfSignedCertificate({ names: ["127.0.0.1"], now: new Date() });
      writeFileSync(join(path, "cert"), cert);
      writeFileSync(join(path, "key"), key);
      return certificatePin(cert);
    };
    const old = write();
    const {
      port,
      node,
      join: enter,
      relay,
      reload,
    } = await start("--cert", join(path, "cert"), "--key", join(path, "key"));
    expect(node).not.toHaveProperty("CertName");
    const client = await enter(2);
    expect((await shown(port)).pin).toBe(old);
    const fresh = write();
    reload();
    expect((await shown(port)).pin).toBe(fresh);
    writeFileSync(join(path, "cert"), "nonsense");
    expect(reload).toThrow();
    expect((await shown(port)).pin).toBe(fresh);
    await until(() => relay.stats().connections === 1);
    client.close();
  });

  test("shows its meta certificate behind the leaf, once, also after a reload", async () => {
    const { port, relay, reload } = await start("--state-dir", directory());
    const name = `derpkey${relay.publicKey.slice("nodekey:".length)}`;
    for (const again of [false, true]) {
      if (again) reload();
      const said = (await handshakeBytes(port)).toString("latin1");
      expect(said.split(name)).toHaveLength(3); // subject and issuer
      expect(said.indexOf(name)).toBeGreaterThan(said.indexOf("127.0.0.1"));
    }
  });

  test("takes rate limits from a file, also anew", async () => {
    const file = join(directory(), "rate.json");
    writeFileSync(file, '{"PerClientRateLimitBytesPerSec":1000,"PerClientRateBurstBytes":5}');
    const { join: enter, reload } = await start("--rate-config", file);
    expect((await (await enter(2)).ready).tokenBucketBytesPerSecond).toBe(1_000);
    writeFileSync(file, '{"PerClientRateLimitBytesPerSec":0}');
    reload();
    expect((await (await enter(3)).ready).tokenBucketBytesPerSecond).toBeUndefined();
  });

  test("counts in Prometheus' text", async () => {
    const probe = net.createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as net.AddressInfo;
    probe.close();
    await once(probe, "close");
    const { join: enter } = await start("--metrics-listen", `127.0.0.1:${port}`);
    await enter(2);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain("\nderp_accepted_total 1\n");
    expect(text).toContain("\n# TYPE derp_held_bytes gauge\n");
    expect(text).toContain('\nderp_dropped_packets_total{reason="unknown_dest",kind="disco"} 0\n');
    expect(text).toContain("\nstun_answered_ipv4_total 0\n");
  });

  test("cuts off who does not finish the handshake, half a request, or garbage", async () => {
    const { port, relay } = await start();
    const plain = net.connect(port, "127.0.0.1");
    plain.write("GET / HTTP/1.1\r\n\r\n");
    plain.resume();
    await once(plain, "close");
    const secure = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(secure, "secureConnect");
    secure.on("error", () => {});
    secure.resume();
    secure.write("GET /derp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\nGARBAGE GARBAGE");
    await once(secure, "close");
    expect(relay.stats()).toMatchObject({ connections: 0, pendingLogins: 0, loginsFailed: 1 });
  });
});
