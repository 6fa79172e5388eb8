// Leads from a unix socket, which a test outside can open, to a TCP port of this host.
import { connect, createServer } from "node:net";

const [path, port] = process.argv.slice(2);
createServer({ allowHalfOpen: true }, (outside) => {
  const inside = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
  outside.on("error", () => inside.destroy());
  inside.on("error", () => outside.destroy());
  outside.pipe(inside).pipe(outside);
}).listen(path, () => console.log("ready"));
