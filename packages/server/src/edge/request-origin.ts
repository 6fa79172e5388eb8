import type { IncomingMessage } from "node:http";
import type { AddressSet } from "./addresses.ts";
import { forwardedAddress, forwardingHeaders } from "./forwarded.ts";
import type { EdgeRequest } from "./http-message.ts";

/** How a connection came to us. */
export interface ConnectionOrigin {
  /** `unix`: whoever may open the socket file. No header or PROXY line can make a TCP connection look so. */
  readonly transport: "tcp" | "unix";
  readonly secure: boolean;
  /** Who is at the other end, after the PROXY protocol; `undefined` for unix. */
  readonly peer: string | undefined;
}

/** How one request came to us. */
export interface RequestOrigin extends ConnectionOrigin {
  /** Whom the request is from: the peer, or whoever a trusted proxy names. */
  readonly client: string | undefined;
  /** Whether it carried a forwarding header, believed or not. */
  readonly forwarded: boolean;
}

const origins = new WeakMap<EdgeRequest, RequestOrigin>();

/** `undefined` for a request that no edge has let in. */
export function requestOrigin(request: EdgeRequest): RequestOrigin | undefined {
  return origins.get(request);
}

/** The client's IP address for logs and limits; `undefined` over a unix socket. */
export function clientAddress(request: EdgeRequest): string | undefined {
  return origins.get(request)?.client;
}

/** Notes where `request` is from, and takes forwarding headers away unless a trusted proxy sent them. */
export function noteOrigin(request: EdgeRequest, connection: ConnectionOrigin, trusted: AddressSet): RequestOrigin {
  const forwarded = Object.keys(request.headers).some((name) => forwardingHeaders.has(name));
  const believed = connection.transport === "tcp" && trusted.has(connection.peer);
  const client = (forwarded && believed && forwardedAddress(request.headers, trusted)) || connection.peer;
  const origin = { ...connection, client, forwarded };
  origins.set(request, origin);
  if (forwarded && !believed) stripForwarding(request);
  return origin;
}

/** From every view of the header: adapters read any. */
function stripForwarding(request: EdgeRequest): void {
  // Node derives these two from the raw list when first asked, so they are asked before it is cut.
  const { headers, rawHeaders } = request;
  const distinct = (request as IncomingMessage).headersDistinct ?? {};
  for (const name of forwardingHeaders) {
    delete headers[name];
    delete distinct[name];
  }
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (forwardingHeaders.has(rawHeaders[at]?.toLowerCase() ?? "")) rawHeaders.splice(at, 2);
  }
}
