import { request } from "node:http";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { MachineKey } from "@headscale/tailcfg/keys";
import { ClientFailure } from "./client-failure.ts";

/** Where a server listens: options of Node's HTTP client. `createConnection` puts a stream in place of a socket. */
export interface ServerPlace {
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  /** Where the connections come from. */
  readonly localAddress?: string;
  readonly createConnection?: () => Duplex;
}

/** Longest `/key` answer a client reads. tailscale control/controlclient/direct.go@de9ec7ee loadServerPubKeys */
const maxKeyBytes = 64 * 1024;

/** A control server as its clients know it; one object serves any number of clients and asks for the key once. */
export class ControlServer {
  readonly place: ServerPlace;
  /** Host and port as in the login URL: `:authority` of register and map. */
  readonly authority: string;
  #key: Promise<MachineKey> | undefined;

  constructor(place: ServerPlace, key?: MachineKey) {
    this.place = place;
    this.authority = place.port === undefined ? "control.test" : `${place.host ?? "localhost"}:${place.port}`;
    if (key) this.#key = Promise.resolve(key);
  }

  /** `url`: `http://host:port`, or `unix:` and the path of a socket. */
  static at(url: string): ControlServer {
    if (url.startsWith("unix:")) return new ControlServer({ socketPath: url.slice("unix:".length) });
    const { hostname, port } = new URL(url);
    return new ControlServer({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) });
  }

  /** For `http.request`: a connection of its own. */
  get httpOptions(): ServerPlace & { readonly agent?: false } {
    // With any agent, even none, Node would not ask `createConnection`.
    return this.place.createConnection ? this.place : { ...this.place, agent: false };
  }

  /** The server's Noise key: fetched once, kept for ever, as clients do. */
  key(version: number): Promise<MachineKey> {
    this.#key ??= this.#fetchKey(version).catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }

  /** A plain request without body, outside Noise. */
  async fetch(method: string, path: string): Promise<{ status: number; body: Buffer }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>();
    const { authority: host, httpOptions } = this;
    request({ ...httpOptions, method, path, headers: { host } }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on("error", reject)
      .end();
    return promise;
  }

  async #fetchKey(version: number): Promise<MachineKey> {
    const { status, body } = await this.fetch("GET", `/key?v=${version}`);
    if (status !== 200) throw new ClientFailure("status", `/key answered ${status}`, { status });
    if (body.length > maxKeyBytes) throw new ClientFailure("body-too-long", "/key answered too much");
    const { publicKey } = JSON.parse(body.toString()) as { publicKey?: string };
    if (!publicKey) throw new ClientFailure("no-server-key", "/key names no public key");
    return MachineKey.parse(publicKey);
  }
}
