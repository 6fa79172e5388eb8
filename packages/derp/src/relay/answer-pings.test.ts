import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { answerPings } from "./answer-pings.ts";

async function connected(): Promise<WebSocket> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, autoPong: false });
  onTestFinished(() => server.close());
  server.on("connection", answerPings);
  await once(server, "listening");
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

describe("answerPings", () => {
  test("gives back what a ping says", async () => {
    const socket = await connected();
    socket.ping("hello");
    expect(String((await once(socket, "pong"))[0])).toBe("hello");
  });

  test("hangs up on more than anybody needs, though every answer is read", async () => {
    const socket = await connected();
    let pongs = 0;
    socket.on("pong", () => pongs++);
    for (let n = 0; n < 1_000; n++) socket.ping();
    await once(socket, "close");
    expect(pongs).toBeLessThan(100);
  });
});
