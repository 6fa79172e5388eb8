import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { sqliteFailure } from "./failure.ts";
import { SqliteFile, type SqliteFileOptions } from "./file.ts";
import { GroupCommit } from "./group-commit.ts";
import { closeRequest, type Reply, type Request } from "./messages.ts";

// The thread that waits for the disk. What is sent while it waits is served together afterwards.

const port = parentPort;
if (!port) throw new Error("runs as a worker thread");
const reply = (message: Reply) => port.postMessage(message);

function serve(file: SqliteFile): void {
  const group = new GroupCommit(file.connection);
  port?.on("message", (first: Request | typeof closeRequest) => {
    const waiting = [first];
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) waiting.push(next.message);
    const requests = waiting.filter((message) => message !== closeRequest);
    if (requests.length > 0) reply({ kind: "done", answers: group.serve(requests) });
    if (!waiting.includes(closeRequest)) return;
    file[Symbol.dispose]();
    port.close();
  });
}

try {
  const file = SqliteFile.open(workerData as SqliteFileOptions);
  reply({ kind: "opened" });
  serve(file);
} catch (error) {
  const { code, message } = sqliteFailure(error);
  reply({ kind: "failed", failure: { code, message } });
}
