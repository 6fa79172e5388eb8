import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { get as getHttps } from "node:https";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";
import { describe, expect, onTestFinished, test } from "vitest";
import { openEdge, type Seen } from "./testing/open-edge.ts";
import { RawClient } from "./testing/raw-client.ts";
import type { CertificateSource, KeyPair } from "./tls.ts";

/** A pair for localhost; with the time of a call in the certificate's serial number, so no two are alike. */
function makePair(name = "localhost"): KeyPair {
  const key = generateKey();
  const cert = selfSignedCertificate(key, [parseIdentifier(`${name}.test`)], { now: Date.now(), days: 1 });
  return { key: keyPem(key), cert };
}

/** A certificate source in the test's hand. */
class Certificates implements CertificateSource {
  pair: KeyPair | undefined;
  readonly pending = new Map<string, SecureContext>();
  readonly #listeners = new Set<(pair: KeyPair) => void>();

  constructor(pair: KeyPair | undefined) {
    this.pair = pair;
  }
  current() {
    return this.pair;
  }
  onChange(listener: (pair: KeyPair) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  exchange(pair: KeyPair) {
    this.pair = pair;
    for (const listener of this.#listeners) listener(pair);
  }
  alpnContext(serverName: string) {
    return this.pending.get(serverName);
  }
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

const subject = (socket: TLSSocket) => socket.getPeerCertificate().subjectaltname;
const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

describe("TLS", () => {
  test.for([
    { ALPNProtocols: ["h2", "http/1.1"], chosen: "h2" },
    { ALPNProtocols: ["http/1.1"], chosen: "http/1.1" },
    { ALPNProtocols: ["http/1.1", "h2"], chosen: "h2" },
    { ALPNProtocols: undefined, chosen: false },
  ])("speaks $chosen with a client that offers $ALPNProtocols", async ({ ALPNProtocols, chosen }) => {
    const { port } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const socket = await handshake(port, ALPNProtocols ? { ALPNProtocols } : {});
    expect(socket.alpnProtocol).toBe(chosen);
  });

  test.for<{ says: string; options: ConnectionOptions; chosen: string }>([
    { says: "any client", options: {}, chosen: "TLS_AES_128_GCM_SHA256" },
    {
      says: "one that likes AES-256 best",
      options: { ciphers: "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256" },
      chosen: "TLS_AES_128_GCM_SHA256",
    },
    {
      says: "one without AES in its processor",
      options: { ciphers: "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256" },
      chosen: "TLS_CHACHA20_POLY1305_SHA256",
    },
    {
      says: "one that knows TLS 1.2 only",
      options: { maxVersion: "TLSv1.2" },
      chosen: "ECDHE-ECDSA-AES128-GCM-SHA256",
    },
  ])("encrypts for $says with $chosen", async ({ options, chosen }) => {
    const certificates = new Certificates(makePair());
    const { port } = await openEdge({ tls: { certificates } });
    certificates.exchange(makePair()); // a new certificate changes nothing about it
    expect((await handshake(port, options)).getCipher().name).toBe(chosen);
  });

  test.for<{ says: string; options: ConnectionOptions }>([
    { says: "TLS 1.1", options: { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } },
    {
      says: "ciphers without authentication",
      options: { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" },
    },
    { says: "ciphers without forward secrecy", options: { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" } },
  ])("refuses a client that knows only $says", async ({ options }) => {
    const { port } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    await expect(handshake(port, options)).rejects.toThrow();
  });

  test("serves both HTTP versions and knows the client", async () => {
    const { port } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const socket = await handshake(port, { ALPNProtocols: ["http/1.1"] });
    socket.write(get);
    expect(await text(socket)).toContain('"secure":true,"peer":"127.0.0.1"');
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    const seen: Seen = JSON.parse(await text(session.request({ ":path": "/" })));
    expect(seen).toMatchObject({ version: "2.0", secure: true, client: "127.0.0.1" });
  });

  test("takes a hello that comes byte by byte, behind a PROXY header", async () => {
    const { port } = await openEdge({
      tls: { certificates: new Certificates(makePair()) },
      proxyProtocol: ["127.0.0.1"],
    });
    const raw = await RawClient.connect(port);
    onTestFinished(() => raw[Symbol.dispose]());
    await raw.dribble("PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n");
    raw.socket.removeAllListeners("data");
    const socket = connect({ socket: raw.socket, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    for (const byte of Buffer.from(get)) socket.write(Uint8Array.of(byte));
    expect(await text(socket)).toContain('"client":"192.0.2.7"');
  });

  test("hands over upgrades", async () => {
    const { port } = await openEdge({
      tls: { certificates: new Certificates(makePair()) },
      upgrade: (_, socket: Socket, head) => void socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${head}`),
    });
    const socket = await handshake(port);
    socket.write(
      "POST /ts2021 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: tailscale-control-protocol\r\n\r\nearly",
    );
    expect(await text(socket)).toMatch(/early$/);
  });

  test("chooses the quickest cipher, whatever a client would rather have", async () => {
    const { port } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const socket = await handshake(port, { ciphers: "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256" });
    expect(socket.getCipher().name).toBe("TLS_AES_128_GCM_SHA256");
  });

  test("refuses TLS 1.1", async () => {
    const { port } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const old = handshake(port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
    await expect(old).rejects.toThrow();
  });

  test("has no certificate before there is one, then serves it, then the next; open connections stay", async () => {
    const certificates = new Certificates(undefined);
    const { port } = await openEdge({ tls: { certificates } });
    await expect(handshake(port)).rejects.toThrow();
    certificates.exchange(makePair("first"));
    const first = await handshake(port, { ALPNProtocols: ["http/1.1"] });
    certificates.exchange(makePair("second"));
    const second = await handshake(port);
    expect([subject(first), subject(second)]).toEqual(["DNS:first.test", "DNS:second.test"]);
    first.write(get);
    expect(await text(first)).toContain("200 OK");
  });

  test("answers a TLS-ALPN-01 challenge with the challenge's certificate, again and again, and nothing else", async () => {
    const certificates = new Certificates(makePair("usual"));
    const { port } = await openEdge({ tls: { certificates } });
    const challenge = { servername: "hs.example.test", ALPNProtocols: ["acme-tls/1"] };
    await expect(handshake(port, challenge)).rejects.toThrow();
    certificates.pending.set("hs.example.test", createSecureContext(makePair("challenge")));
    for (let times = 0; times < 3; times++) {
      const socket = await handshake(port, challenge);
      expect(socket.alpnProtocol).toBe("acme-tls/1");
      expect(subject(socket)).toBe("DNS:challenge.test");
    }
    const usual = await handshake(port, { ...challenge, ALPNProtocols: ["h2"] });
    expect(subject(usual)).toBe("DNS:usual.test");
    await expect(handshake(port, { ...challenge, servername: "other.example.test" })).rejects.toThrow();
  });

  test("drops a handshake that never ends", async () => {
    const { port } = await openEdge({
      tls: { certificates: new Certificates(makePair()) },
      limits: { handshakeMs: 50 },
    });
    const raw = await RawClient.connect(port);
    onTestFinished(() => raw[Symbol.dispose]());
    raw.say("\x16\x03\x01\x02\x00");
    await raw.closed;
    expect(raw.socket.destroyed || raw.socket.readableEnded).toBe(true);
  });

  test("refuses plain HTTP on its port, and says what the port speaks", async () => {
    const { port, edge } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const raw = await RawClient.connect(port);
    onTestFinished(() => raw[Symbol.dispose]());
    expect(await raw.say(get).hearAll()).toMatch(/^HTTP\/1.1 400 .*speaks HTTPS/s);
    raw.socket.end();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    await new Promise((resolve) => session.once("close", resolve));
    expect(edge.stats().sessions).toBe(0);
  });

  test("serves plain HTTP on its port when told to", async () => {
    const { url } = await openEdge({ tls: { certificates: new Certificates(makePair()), clearText: "serve" } });
    expect(((await (await fetch(url)).json()) as Seen).secure).toBe(false);
  });

  test("serves plain HTTP on one address when told so for that one", async () => {
    const { edge, url } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const { port } = await edge.listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, "serve");
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(200);
    expect((await fetch(url)).status).toBe(400);
  });

  test("counts nothing twice when many shake hands at once", async () => {
    const { port } = await openEdge({ tls: { certificates: new Certificates(makePair()) } });
    const ask = () =>
      new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, rejectUnauthorized: false, agent: false as const };
        getHttps(options, (response) => resolve(response.resume().statusCode)).on("error", reject);
      });
    expect(await Promise.all(Array.from({ length: 30 }, ask))).toEqual(Array(30).fill(200));
  });
});
