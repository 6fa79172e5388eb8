import { type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { buffer, text } from "node:stream/consumers";

export interface Asked {
  readonly method?: string;
  /** Sent as it stands, query included. */
  readonly path: string;
  /** A list for a field sends it several times. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** One HTTP/1.1 request on a connection of its own, to `http://host:port` or `unix:/path`. Nothing is followed or repaired. */
export async function ask(server: string, { method = "GET", path, headers = {}, body }: Asked): Promise<Answered> {
  const place = server.startsWith("unix:")
    ? { socketPath: server.slice("unix:".length) }
    : { host: new URL(server).hostname, port: new URL(server).port };
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  // Node gives a body no length where the method seldom has one.
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  request({ ...place, agent: false, method, path, headers: { ...length, ...headers } }, (response) => {
    buffer(response).then(
      (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString() }),
      reject,
    );
  })
    .on("error", reject)
    .end(body);
  return promise;
}

/** What a server says to these bytes until it hangs up; for what no HTTP library would send. */
export async function sayBytes(server: string, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const { hostname: host, port } = new URL(server);
  const socket = connect({ host, port: Number(port) });
  for (const part of parts) socket.write(part);
  const said = await text(socket).catch((error: Error) => `(${error.message})`);
  socket.destroy();
  return said;
}
