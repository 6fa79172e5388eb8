import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { EdgeError } from "./edge-error.ts";
import { type ListenAddress, showListenAddress, type TcpAddress } from "./listen-address.ts";
import { bindUnixSocket } from "./unix-socket.ts";

export type Transport = "tcp" | "unix";

export interface Listener {
  readonly transport: Transport;
  /** The port the system gave; `undefined` for unix. */
  readonly port: number | undefined;
  /** As one would connect to it: `[::]:8080`, a path. */
  readonly shown: string;
  /** Accepts no more; open connections stay. */
  close(): void;
}

/** Starts accepting. @throws {EdgeError} a sentence that says what stands in the way */
export async function listen(
  address: ListenAddress,
  accept: (socket: Socket, transport: Transport) => void,
  maxConnections: number,
): Promise<Listener> {
  let transport: Transport = address.kind === "unix" ? "unix" : "tcp";
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => accept(socket, transport));
  server.maxConnections = maxConnections;
  if (address.kind === "unix") {
    const unlink = await bindUnixSocket(server, address.path, address.mode);
    const close = () => {
      server.close();
      unlink();
    };
    return { transport, port: undefined, shown: address.path, close };
  }
  await bind(server, address);
  const bound = server.address() as AddressInfo | string | null;
  if (address.kind === "inherited" && !isTcp(bound)) transport = "unix";
  const port = isTcp(bound) ? bound.port : undefined;
  return { transport, port, shown: shownBound(bound, address), close: () => server.close() };
}

function isTcp(bound: AddressInfo | string | null): bound is AddressInfo {
  return typeof bound === "object" && bound !== null && typeof bound.port === "number";
}

function shownBound(bound: AddressInfo | string | null, address: ListenAddress): string {
  if (!isTcp(bound)) return showListenAddress(address);
  return showListenAddress({ kind: "tcp", host: bound.address, port: bound.port });
}

async function bind(server: Server, address: Exclude<ListenAddress, { kind: "unix" }>): Promise<void> {
  try {
    server.listen(address.kind === "inherited" ? { fd: address.fd } : tcpOptions(address));
    await once(server, "listening");
  } catch (cause) {
    throw listenError(address, cause);
  }
}

function tcpOptions({ host, port, ipv6Only = false }: TcpAddress) {
  return { host, port, ipv6Only };
}

function listenError(address: Exclude<ListenAddress, { kind: "unix" }>, cause: unknown): EdgeError {
  const shown = showListenAddress(address);
  const port = address.kind === "tcp" ? address.port : 0;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE")
    return new EdgeError(
      "address-in-use",
      `cannot listen on ${shown}: another program, perhaps another headscale, does already; \`ss -ltnp 'sport = :${port}'\` shows which`,
      cause,
    );
  if (code === "EACCES")
    return new EdgeError(
      "address-forbidden",
      `cannot listen on ${shown}: ports below 1024 need the capability CAP_NET_BIND_SERVICE; grant it (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE) or choose a higher port`,
      cause,
    );
  if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" || code === "ENOTFOUND")
    return new EdgeError("address-unavailable", `cannot listen on ${shown}: this machine has no such address`, cause);
  return new EdgeError("listen-failed", `cannot listen on ${shown}: ${String(cause)}`, cause);
}
