/**
 * What Noise costs: handshakes, single records, the record path, and HTTP/2 through it.
 *
 *   node test/bench/noise.ts
 */
import { createCipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { Initiator, maxPlaintextBytes, type NoiseSession, publicMachineKey, respondHandshake } from "@headscale/noise";
import { noiseDuplex } from "@headscale/noise/duplex";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";

const staticKey = new PrivateKey(randomBytes(32));
const machineKey = new PrivateKey(randomBytes(32));
const serverKey = publicMachineKey(staticKey);

/** Microseconds per call: the best of many batches, so that other work on the machine shows least. */
function bestMicroseconds(call: () => unknown, batchSize = 100, batches = 50): number {
  let best = Number.POSITIVE_INFINITY;
  for (let batch = -5; batch < batches; batch++) {
    const start = process.hrtime.bigint();
    for (let round = 0; round < batchSize; round++) call();
    if (batch >= 0) best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e3 / batchSize);
  }
  return best;
}

function report(what: string, microseconds: number, rate: string): void {
  console.log(`| ${what.padEnd(48)} | ${microseconds.toFixed(2).padStart(8)} µs | ${rate.padEnd(14)} |`);
}

const perSecond = (microseconds: number) => `${Math.round(1e6 / microseconds)}/s`;
const megabytes = (bytes: number, microseconds: number) => `${Math.round(bytes / microseconds)} MB/s`;

function sessions(): { client: NoiseSession; server: NoiseSession } {
  const initiator = new Initiator({ machineKey, serverKey, version: 145 });
  const { response, session: server } = respondHandshake({ staticKey, initiation: initiator.initiation });
  const finished = initiator.push(response);
  if (!finished) throw new Error("the handshake did not finish");
  return { client: finished.session, server };
}

function benchHandshakes(): void {
  const { initiation } = new Initiator({ machineKey, serverKey, version: 145 });
  const responder = bestMicroseconds(() => respondHandshake({ staticKey, initiation }), 20);
  report("handshake, server's side", responder, perSecond(responder));
  const both = bestMicroseconds(sessions, 20);
  report("handshake, both sides", both, perSecond(both));
}

/** Why crypto.ts is as it is: the same 4 KiB seal by @noble, and by node:crypto with either form of key. */
function benchLibraries(): void {
  const bytes = randomBytes(32);
  const nonce = randomBytes(12);
  const seal = (key: Buffer | KeyObject, plaintext: Buffer) => {
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    return [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  };
  for (const size of [32, 200, maxPlaintextBytes]) {
    const plaintext = randomBytes(size);
    const noble = bestMicroseconds(() => chacha20poly1305(bytes, nonce).encrypt(plaintext));
    report(`@noble/ciphers, ${size} bytes`, noble, megabytes(size, noble));
    const withBytes = bestMicroseconds(() => seal(bytes, plaintext));
    report(`node:crypto, key as bytes, ${size} bytes`, withBytes, megabytes(size, withBytes));
    const key = createSecretKey(bytes);
    const withObject = bestMicroseconds(() => seal(key, plaintext));
    report(`node:crypto, key as KeyObject, ${size} bytes`, withObject, megabytes(size, withObject));
  }
}

/** Writer and reader in turn, `bytes` a write. */
function benchRecords(bytes: number): void {
  const { client, server } = sessions();
  const { writer } = client.takeRecords();
  const { reader } = server.takeRecords();
  const plaintext = randomBytes(bytes);
  const records = Math.ceil(bytes / maxPlaintextBytes);
  const sealed: Uint8Array[] = [];
  const seal = bestMicroseconds(() => sealed.push(writer.seal([plaintext])), 20);
  let next = 0;
  const open = bestMicroseconds(() => reader.push(sealed[next++] as Uint8Array), 20);
  report(`seal ${bytes} bytes (${records} records), per record`, seal / records, megabytes(bytes, seal));
  report(`open ${bytes} bytes (${records} records), per record`, open / records, megabytes(bytes, open));
}

/** A download over one HTTP/2 stream on loopback TCP, both ends in this process. */
async function benchHttp2(withNoise: boolean): Promise<void> {
  const body = randomBytes(64 * 1024 * 1024);
  const pair = sessions();
  const inner = http2.createServer((_, response) => response.end(body));
  const listener = net.createServer({ noDelay: true }, (socket) => {
    inner.emit("connection", withNoise ? noiseDuplex(socket, pair.server) : socket);
  });
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const socket = net.connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const session = http2.connect("http://unused", {
    createConnection: () => (withNoise ? noiseDuplex(socket, pair.client) : socket),
    settings: { initialWindowSize: 4 << 20 },
  });
  await once(session, "remoteSettings");
  session.setLocalWindowSize(1 << 30);
  const start = performance.now();
  const stream = session.request({ ":path": "/" });
  stream.resume();
  await once(stream, "end");
  const microseconds = (performance.now() - start) * 1e3;
  const records = body.length / maxPlaintextBytes;
  report(
    `HTTP/2 ${withNoise ? "in Noise" : "bare"}, 64 MiB, per 4077 bytes`,
    microseconds / records,
    megabytes(body.length, microseconds),
  );
  session.close();
  listener.close();
}

benchHandshakes();
benchLibraries();
for (const bytes of [200, maxPlaintextBytes, 64 * 1024]) benchRecords(bytes);
await benchHttp2(false);
await benchHttp2(true);
