// `serve PORT` sends every TCP caller a growing number each 10 ms; `read HOST PORT` prints what it gets until the end.
import { connect, createServer } from "node:net";

const [mode, ...args] = process.argv.slice(2);
if (mode === "serve") {
  createServer((socket) => {
    let number = 0;
    const timer = setInterval(() => socket.write(`${number++}\n`), 10);
    socket.on("error", () => {}).on("close", () => clearInterval(timer));
  }).listen(Number(args[0]), "::", () => console.log("ready"));
} else {
  connect(Number(args[1]), args[0]).pipe(process.stdout);
}
