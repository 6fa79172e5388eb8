import dgram from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, isIPv6 } from "node:net";
import { ipBytes, unmapped } from "#address/ip-bytes.ts";
import { bindingResponse, parseBindingRequest } from "./message.ts";

export interface StunOptions {
  /** One IP address; without it, all of IPv4 and of IPv6. Give one of several hosts' addresses, so that answers come from it. */
  readonly address?: string;
  /** 3478 by custom; 0 picks a free one. */
  readonly port: number;
  /** A socket's trouble, which is counted and otherwise passed over: one ICMP error must not become an outage. */
  readonly onError?: (error: Error) => void;
}

/** Counted since the start. */
export interface StunStats {
  readonly answeredIPv4: number;
  readonly answeredIPv6: number;
  /** Datagrams that are no Binding request of a Tailscale client. */
  readonly ignored: number;
  readonly readErrors: number;
  readonly writeErrors: number;
}

export interface StunServer extends AsyncDisposable {
  /** Where it listens: one address for each family. */
  readonly addresses: readonly AddressInfo[];
  stats(): StunStats;
  close(): Promise<void>;
}

/** Answers STUN Binding requests of Tailscale clients over UDP, and nobody else. @throws the bind error. */
export async function createStunServer(options: StunOptions): Promise<StunServer> {
  const server = new UdpStunServer(options.onError ?? (() => {}));
  const { address, port } = options;
  try {
    if (address !== undefined) await server.bind(address, port);
    else {
      const first = await server.bind("0.0.0.0", port);
      await server.bind("::", first.port).catch((error) => {
        if (!NO_IPV6.has(error.code)) throw error;
      });
    }
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** What binding an IPv6 socket says on a host without IPv6. */
const NO_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

class UdpStunServer implements StunServer {
  readonly addresses: AddressInfo[] = [];
  readonly #sockets: dgram.Socket[] = [];
  readonly #onError: (error: Error) => void;
  readonly #stats = { answeredIPv4: 0, answeredIPv6: 0, ignored: 0, readErrors: 0, writeErrors: 0 };

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  /** A socket for each family, so that IPv4 clients are told an IPv4 address. */
  async bind(address: string, port: number): Promise<AddressInfo> {
    const socket = dgram.createSocket({
      ...(isIPv6(address) ? { type: "udp6", ipv6Only: true } : { type: "udp4" }),
      lookup: (host, _options, done) => done(null, host, isIPv6(host) ? 6 : 4), // addresses only: nothing to look up
    });
    const listening = once(socket, "listening"); // before bind(), which may emit at once
    socket.bind({ address, port });
    try {
      await listening;
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.on("message", (datagram, from) => this.#answer(socket, datagram, from));
    socket.on("error", (error) => {
      this.#stats.readErrors += 1;
      this.#onError(error);
    });
    this.#sockets.push(socket);
    this.addresses.push(socket.address());
    return socket.address();
  }

  stats(): StunStats {
    return { ...this.#stats };
  }

  async close(): Promise<void> {
    const closing = this.#sockets.splice(0).map((socket) => new Promise<void>((resolve) => socket.close(resolve)));
    await Promise.all(closing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(socket: dgram.Socket, datagram: Buffer, from: dgram.RemoteInfo): void {
    const transaction = parseBindingRequest(datagram);
    const address = transaction && ipBytes(unmapped(from.address));
    if (transaction === undefined || address === undefined) {
      this.#stats.ignored += 1;
      return;
    }
    socket.send(bindingResponse(transaction, address, from.port), from.port, from.address, (error) => {
      if (error) {
        this.#stats.writeErrors += 1;
        this.#onError(error);
      } else if (address.length === 4) this.#stats.answeredIPv4 += 1;
      else this.#stats.answeredIPv6 += 1;
    });
  }
}
