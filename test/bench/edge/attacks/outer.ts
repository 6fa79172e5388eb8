import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Hostile } from "../hostile.ts";

const many = 1_000;

async function opened(hostile: Hostile, head: string): Promise<Socket> {
  const socket = hostile.connect();
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  socket.write(head);
  return socket;
}

const derp = "GET /derp HTTP/1.1\r\nHost: relay.test\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n";
const webSocket = (path: string, protocol: string) =>
  `GET ${path} HTTP/1.1\r\nHost: relay.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`;

/** A masked frame (RFC 6455 §5.2) with a mask of zeros. */
function webSocketFrame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const size = length < 126 ? Buffer.from([0x80 | length]) : Buffer.from([0x80 | 126, length >> 8, length & 255]);
  return Buffer.concat([Buffer.from([first]), size, Buffer.alloc(4), payload]);
}

/** Half of a ClientInfo frame: its header says 200 bytes. */
const halfLogin = Buffer.concat([Buffer.from([2, 0, 0, 0, 200]), randomBytes(100)]);

/** Requests as fast as they are answered, pipelined eight deep. */
function requests(atOnce: number, text: string) {
  return (hostile: Hostile) =>
    hostile.repeat(atOnce, async () => {
      const socket = hostile.connect();
      const lines = function* () {
        while (hostile.goesOn) yield text.repeat(8);
      };
      socket.resume();
      await pipeline(Readable.from(lines(), { objectMode: false }), socket).catch(() => {});
      socket.destroy();
    });
}

/** A body of 3 MiB behind a head, again and again. */
function bodies(path: string, type: string) {
  const length = 3 << 20;
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
  const piece = Buffer.alloc(1 << 16, "{");
  return (hostile: Hostile) =>
    hostile.repeat(16, async () => {
      const socket = hostile.connect().resume();
      const said = function* () {
        yield Buffer.from(head);
        for (let sent = 0; sent < length; sent += piece.length) yield piece;
      };
      await pipeline(Readable.from(said()), socket).catch(() => {});
      socket.destroy();
    });
}

const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const question = JSON.stringify({ NodePublic: `nodekey:${"ab".repeat(32)}`, Source: "192.0.2.1" });

/** What needs no handshake. */
export const outer: Readonly<Record<string, (hostile: Hostile) => Promise<void>>> = {
  "outer/derp-upgrades": (hostile) =>
    hostile.repeat(16, async () => {
      const socket = await opened(hostile, derp);
      await new Promise((resolve) => socket.once("data", resolve).once("close", resolve));
      socket.destroy();
    }),
  "outer/derp-half-logins": (hostile) =>
    hostile.keep(3_000, async () => {
      const socket = await opened(hostile, derp);
      socket.write(halfLogin);
      return socket;
    }),
  "outer/derp-half-logins-ws": (hostile) =>
    hostile.keep(3_000, async () => {
      const socket = await opened(hostile, webSocket("/derp", "derp"));
      socket.write(webSocketFrame(0x82, halfLogin));
      return socket;
    }),
  /** Messages of Noise that never end, piece by piece. */
  "outer/ws-endless-messages": (hostile) =>
    hostile.keep(500, async () => {
      const handshake = encodeURIComponent(await hostile.initiation());
      const path = `/ts2021?X-Tailscale-Handshake=${handshake}`;
      const socket = await opened(hostile, webSocket(path, "tailscale-control-protocol"));
      const piece = Buffer.alloc(60_000);
      for (let n = 0; n < 17; n++) socket.write(webSocketFrame(n === 0 ? 0x02 : 0x00, piece));
      return socket;
    }),
  /** Pings whose answers nobody reads. */
  "outer/ws-pings-unread": (hostile) =>
    hostile.repeat(16, async () => {
      const socket = await opened(hostile, webSocket("/derp", "derp"));
      socket.pause();
      const ping = Buffer.concat(Array.from({ length: 400 }, () => webSocketFrame(0x89, Buffer.alloc(125))));
      const said = function* () {
        while (hostile.goesOn) yield ping;
      };
      await pipeline(Readable.from(said()), socket).catch(() => {});
      socket.destroy();
    }),
  "outer/unknown-upgrades": (hostile) =>
    hostile.keep(many, () =>
      opened(hostile, "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: derp\r\nConnection: Upgrade\r\n\r\n"),
    ),
  "outer/key": requests(4, "GET /key?v=131 HTTP/1.1\r\nHost: a\r\n\r\n"),
  "outer/verify": requests(4, post("/verify", question)),
  "outer/rest-bodies": bodies("/api/v1/user", "application/json"),
  "outer/rpc-bodies": bodies("/headscale.v1.HeadscaleService/CreateUser", "application/json"),
};
