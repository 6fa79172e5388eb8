// Tells a caller the address it came from: over HTTP (every 50 ms, for as long as it listens, at /stream) and over UDP.
import { createSocket } from "node:dgram";
import { createServer } from "node:http";

const port = Number(process.argv[2]);
const told = (address = "") => `${address.replace(/^::ffff:/, "")}\n`;

const udp = createSocket("udp6");
udp.on("message", (_, caller) => udp.send(told(caller.address), caller.port, caller.address));
udp.bind(port, "::");

createServer(({ url, socket }, response) => {
  const answer = told(socket.remoteAddress);
  if (url !== "/stream") return response.end(answer);
  const timer = setInterval(() => response.write(answer), 50);
  return response.once("close", () => clearInterval(timer));
}).listen(port, "::", () => console.log("ready"));
