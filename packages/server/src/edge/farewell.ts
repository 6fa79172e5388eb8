import type { Socket } from "node:net";

/** A last HTTP/1.1 answer on a socket no server looks after: 400 with `text`, then the end, after `hangUpMs` at the latest. */
export function farewell(socket: Socket, text: string, hangUpMs: number): void {
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text) + 1}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${text}\n`);
  // Destroying at once would make unread input reset the connection, and the answer with it.
  socket.resume().setTimeout(hangUpMs, () => socket.destroy());
}
