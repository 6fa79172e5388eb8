import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { NoiseDuplex } from "@headscale/noise/duplex";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { currentVersion } from "./control/client-netmap.ts";
import { ControlServer } from "./control/control-server.ts";
import { dial } from "./control/dial.ts";

const patienceMs = 5_000;

export interface LineOptions {
  /** A loopback address such as 127.0.0.2. */
  readonly from?: string;
  readonly machineKey?: PrivateKey;
  readonly websocket?: boolean;
}

/** A Noise connection on which anything can be said, by whoever has a handshake to spare. */
export class HostileLine implements Disposable {
  readonly stream: NoiseDuplex;
  /** Resolves when the server has hung up, in whatever way. */
  readonly closed: Promise<void>;
  #heard: Buffer[] = [];

  private constructor(stream: NoiseDuplex) {
    this.stream = stream;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    stream.on("error", () => resolve());
    stream.once("close", () => resolve()).once("end", () => stream.destroy());
    stream.on("data", (chunk: Buffer) => this.#heard.push(chunk));
  }

  /** @throws {ClientFailure} `status` when the server does not want it */
  static async open(server: ControlServer, options: LineOptions = {}): Promise<HostileLine> {
    const { from = "127.0.0.2", machineKey = new PrivateKey(randomBytes(32)), websocket = false } = options;
    const place = new ControlServer({ ...server.place, localAddress: from }, await server.key(currentVersion));
    const { stream } = await dial(place, { machineKey, version: currentVersion }, websocket);
    return new HostileLine(stream);
  }

  get heard(): Buffer {
    return Buffer.concat(this.#heard);
  }

  say(bytes: Uint8Array): this {
    this.stream.write(bytes);
    return this;
  }

  /**
   * Says `bytes(1)`, `bytes(2)`, … as fast as they are taken, until the server hangs up; false if it lets all of it pass
   * and has not hung up some seconds later either.
   */
  async persist(bytes: (n: number) => Uint8Array, most: number): Promise<boolean> {
    let hasHungUp = false;
    void this.closed.then(() => {
      hasHungUp = true;
    });
    for (let n = 1; n <= most && !hasHungUp; n++) {
      if (this.stream.write(bytes(n))) continue;
      await Promise.race([new Promise((resolve) => this.stream.once("drain", resolve)), this.closed]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.race([this.closed, sleep(patienceMs, undefined, { ref: false })]);
    return hasHungUp;
  }

  [Symbol.dispose](): void {
    this.stream.destroy();
  }
}
