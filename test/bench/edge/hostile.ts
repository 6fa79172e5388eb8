import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { encodeHandshakeHeader, Initiator } from "@headscale/noise";
import type { NoiseDuplex } from "@headscale/noise/duplex";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { ControlServer } from "../../support/control/control-server.ts";
import { dial } from "../../support/control/dial.ts";
import { ControlClient } from "../../support/control-client.ts";

/** What an attack is told by the bench that runs it. */
export interface Orders {
  readonly name: string;
  readonly port: number;
  readonly forMs: number;
  /** A reusable pre-auth key, for the attacks of a machine that is let in. */
  readonly authKey: string;
}

const host = "127.0.0.1";
/** The attacker's own address: what is done about it must not reach anybody else. */
export const attackerAddress = "127.0.0.2";
export const version = 131;
/** What fits into one Noise record. */
const batchBytes = 4_000;

export const freshKey = () => new PrivateKey(randomBytes(32));

/** One attacker's means: connections of every kind from its own address, until its time is over. */
export class Hostile {
  readonly orders: Orders;
  readonly #server: ControlServer;
  readonly #until: number;

  constructor(orders: Orders) {
    this.orders = orders;
    this.#server = new ControlServer({ host, port: orders.port, localAddress: attackerAddress });
    this.#until = performance.now() + orders.forMs;
  }

  get goesOn(): boolean {
    return performance.now() < this.#until;
  }

  connect(): Socket {
    const { port } = this.orders;
    return connect({ port, host, localAddress: attackerAddress, noDelay: true, allowHalfOpen: true }).on(
      "error",
      () => {},
    );
  }

  /** A whole handshake; undefined when the server does not want it. */
  async noise(machineKey = freshKey(), websocket = false): Promise<NoiseDuplex | undefined> {
    try {
      const { stream } = await dial(this.#server, { machineKey, version }, websocket);
      stream.on("error", () => {});
      return stream;
    } catch {
      await delay(2);
      return undefined;
    }
  }

  /** The first message of a handshake that nobody will finish, in base64. */
  async initiation(): Promise<string> {
    const serverKey = await this.#server.key(version);
    return encodeHandshakeHeader(new Initiator({ machineKey: freshKey(), version, serverKey }).initiation);
  }

  /** A machine that is let in. */
  async member(): Promise<ControlClient> {
    const client = new ControlClient({ server: this.#server, hostinfo: { Hostname: "hostile" } });
    const { Error: refusal } = await client.register({ authKey: this.orders.authKey });
    if (refusal) throw new Error(refusal);
    return client;
  }

  /** The same, without a node. */
  stranger(): ControlClient {
    return new ControlClient({ server: this.#server, hostinfo: { Hostname: "stranger" } });
  }

  /** Says `bytes(1)`, `bytes(2)`, … on one connection after another until the time is over; hears everything. */
  async flood(open: () => Promise<Duplex | undefined>, bytes: (n: number) => Uint8Array): Promise<void> {
    while (this.goesOn) {
      const stream = await open();
      if (!stream) continue;
      stream.resume();
      const said = Readable.from(this.#batches(bytes), { objectMode: false, highWaterMark: 1 << 16 });
      await pipeline(said, stream).catch(() => {});
      stream.destroy();
    }
  }

  *#batches(bytes: (n: number) => Uint8Array): Generator<Uint8Array> {
    let batch: Uint8Array[] = [];
    let size = 0;
    for (let n = 1; this.goesOn; n++) {
      const next = bytes(n);
      batch.push(next);
      size += next.length;
      if (size < batchBytes) continue;
      yield Buffer.concat(batch);
      batch = [];
      size = 0;
    }
  }

  /** Keeps `count` connections open, opening another for each that is ended. */
  async keep(count: number, open: () => Promise<Duplex | undefined>): Promise<void> {
    const held = new Set<Duplex>();
    while (this.goesOn) {
      if (held.size >= count) await delay(50);
      const stream = held.size < count ? await open() : undefined;
      if (!stream) continue;
      held.add(stream);
      stream.once("close", () => held.delete(stream)).resume();
    }
    for (const stream of held) stream.destroy();
  }

  /** Does one thing again and again, `atOnce` at the same time. */
  async repeat(atOnce: number, work: () => Promise<unknown>): Promise<void> {
    const worker = async () => {
      while (this.goesOn)
        await work().catch(async () => {
          await delay(2);
        });
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }
}
