import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy on loopback whose connections a test can break, and which it can make refuse new ones. */
export interface BreakableProxy extends AsyncDisposable {
  readonly port: number;
  /** Ends all connections as a crash of the network would. */
  breakConnections(): void;
  /** Whether new connections get through. */
  open: boolean;
}

export async function breakableProxy(targetPort: number): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket, peer: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      peer.destroy();
    });
  };
  const server = createServer((client) => {
    if (!proxy.open) {
      client.resetAndDestroy();
      return;
    }
    const target = connect(targetPort, "127.0.0.1");
    track(client, target);
    track(target, client);
    client.pipe(target).pipe(client);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const breakConnections = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const proxy: BreakableProxy = {
    port: (server.address() as AddressInfo).port,
    open: true,
    breakConnections,
    async [Symbol.asyncDispose]() {
      const closed = once(server.close(), "close");
      breakConnections();
      await closed;
    },
  };
  return proxy;
}
