// An HTTP server that tells a caller the address it came from.
import { createServer } from "node:http";

createServer((request, response) => {
  response.end(`${request.socket.remoteAddress?.replace(/^::ffff:/, "")}\n`);
}).listen(Number(process.argv[2]), "::", () => console.log("ready"));
