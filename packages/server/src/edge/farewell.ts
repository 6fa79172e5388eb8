import type { Socket } from "node:net";

/** How long the other side may take to hang up after our last word. */
const hangUpMs = 1_000;

/** A last HTTP/1.1 answer on a socket no server looks after: 400 with `text`, then the end. */
export function farewell(socket: Socket, text: string): void {
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text) + 1}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${text}\n`);
  // Destroying at once would make unread input reset the connection, and the answer with it.
  socket.resume().setTimeout(hangUpMs, () => socket.destroy());
}
