import { once } from "node:events";
import { createServer } from "node:net";
import { connect, createServer as createTls } from "node:tls";
import { generateKey, keyPem, parseIdentifier, selfSignedCertificate } from "@headscale/acme";

/** What each TLS 1.3 cipher costs, both ends in one process: `node test/bench/tls.ts`. */

const ciphers = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const record = Buffer.alloc(16_384);
const [mebibytes, handshakes, rounds] = [256, 300, 5];
const key = generateKey();
const cert = selfSignedCertificate(key, [parseIdentifier("127.0.0.1")], { now: Date.now(), days: 1 });

async function secondsFor(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function withServer<T>(ciphers: string, use: (port: number) => Promise<T>): Promise<T> {
  const tls = createTls({ key: keyPem(key), cert, ciphers, minVersion: "TLSv1.3" }, (socket) => socket.resume());
  const front = createServer((socket) => tls.emit("connection", socket)).listen(0, "127.0.0.1");
  await once(front, "listening");
  try {
    return await use((front.address() as { port: number }).port);
  } finally {
    front.close();
  }
}

const client = async (port: number) => {
  const socket = connect({ port, host: "127.0.0.1", ca: cert });
  await once(socket, "secureConnect");
  return socket;
};

async function send(port: number): Promise<void> {
  const socket = await client(port);
  for (let sent = 0; sent < mebibytes * 64; sent++) if (!socket.write(record)) await once(socket, "drain");
  socket.end();
  await once(socket.resume(), "close");
}

async function greet(port: number): Promise<void> {
  for (let n = 0; n < handshakes; n++) (await client(port)).destroy();
}

const best = new Map(ciphers.map((cipher) => [cipher, { send: Infinity, greet: Infinity }]));
for (let round = 0; round < rounds; round++) {
  for (const [cipher, seconds] of best) {
    await withServer(cipher, async (port) => {
      seconds.send = Math.min(seconds.send, await secondsFor(() => send(port)));
      seconds.greet = Math.min(seconds.greet, await secondsFor(() => greet(port)));
    });
  }
}
for (const [cipher, seconds] of best) {
  const [throughput, rate] = [mebibytes / seconds.send, handshakes / seconds.greet];
  console.log(`${cipher}: ${throughput.toFixed(0)} MiB and ${rate.toFixed(0)} handshakes per CPU second, both ends`);
}
