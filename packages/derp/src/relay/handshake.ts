import type { IncomingHttpHeaders } from "node:http";
import { FAST_START_HEADER, PROTOCOL_VERSION, WEBSOCKET_PROTOCOL } from "#protocol.ts";

/** How a request for `/derp` is to be served, or why it is not. Source: tailscale derpserver/{handler,websocket}.go@de9ec7ee. */
export type Handshake =
  | { readonly kind: "derp"; readonly fastStart: boolean }
  | { readonly kind: "websocket" }
  | { readonly kind: "refuse"; readonly status: 400 | 426; readonly text: string };

export function readHandshake(headers: IncomingHttpHeaders): Handshake {
  const upgrade = headers.upgrade?.toLowerCase();
  if (upgrade !== "derp" && upgrade !== "websocket")
    return { kind: "refuse", status: 426, text: "DERP requires connection upgrade" };
  // Node hands over the bytes of such a body as if they were the start of the stream.
  if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)
    return { kind: "refuse", status: 400, text: "a DERP upgrade has no body" };
  // The oldest clients said "websocket" and spoke plain DERP: the subprotocol tells them apart.
  if (upgrade === "websocket" && (headers["sec-websocket-protocol"] ?? "").includes(WEBSOCKET_PROTOCOL))
    return { kind: "websocket" };
  return { kind: "derp", fastStart: headers[FAST_START_HEADER] === "1" };
}

/** The 101 answer. No client reads the two Derp headers; people with curl do. */
export function switchingProtocols(publicKey: Buffer): Buffer {
  return Buffer.from(
    [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: DERP",
      "Connection: Upgrade",
      `Derp-Version: ${PROTOCOL_VERSION}`,
      `Derp-Public-Key: ${publicKey.toString("hex")}`,
      "\r\n",
    ].join("\r\n"),
  );
}

/** A whole HTTP/1.1 answer that ends the connection. */
export function refusal(status: number, text: string): Buffer {
  const reason = { 400: "Bad Request", 426: "Upgrade Required", 503: "Service Unavailable" }[status] ?? "Error";
  const body = `${text}\n`;
  return Buffer.from(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
