import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Hostile } from "../hostile.ts";

const many = 1_000;

const upgradeHead = (handshake?: string) =>
  [
    "POST /ts2021 HTTP/1.1",
    "Host: control.test",
    "Upgrade: tailscale-control-protocol",
    "Connection: upgrade",
    ...(handshake === undefined ? [] : [`X-Tailscale-Handshake: ${handshake}`]),
    "\r\n",
  ].join("\r\n");

async function saying(hostile: Hostile, text: string): Promise<Socket> {
  const socket = hostile.connect();
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  socket.write(text);
  return socket;
}

/** A frame of the right form and length around noise. */
function garbage(): string {
  return Buffer.concat([Buffer.from([0, 131, 1, 0, 96]), randomBytes(96)]).toString("base64");
}

/** What is done on `/ts2021` before HTTP/2. */
export const handshakes: Readonly<Record<string, (hostile: Hostile) => Promise<void>>> = {
  "noise/no-handshake": (hostile) => hostile.keep(many, () => saying(hostile, upgradeHead())),
  "noise/half-handshake": (hostile) => hostile.keep(many, () => saying(hostile, upgradeHead(garbage().slice(0, 64)))),
  "noise/garbage": (hostile) => hostile.keep(many, () => saying(hostile, upgradeHead(garbage()))),
  "noise/then-silence": (hostile) => hostile.keep(many, () => hostile.noise()),
  "noise/then-silence-ws": (hostile) => hostile.keep(many, () => hostile.noise(undefined, true)),
  "noise/handshakes": (hostile) =>
    hostile.repeat(16, async () => {
      (await hostile.noise())?.destroy();
    }),
  "noise/handshakes-ws": (hostile) =>
    hostile.repeat(16, async () => {
      (await hostile.noise(undefined, true))?.destroy();
    }),
};
