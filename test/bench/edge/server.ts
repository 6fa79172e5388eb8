/** The edge alone in a process; answers every message with what it holds. */
import { createEdge } from "@headscale/server/edge/edge";

const edge = createEdge({ request: (_, response) => response.end("served") });
const { port } = await edge.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
let peak = 0;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);

process.on("message", (message) => {
  if (message === "collect") gc?.();
  process.send?.({
    port,
    rss: process.memoryUsage.rss(),
    peak,
    cpuMs: process.cpuUsage().user / 1_000,
    ...edge.stats(),
  });
  peak = 0;
});
process.once("disconnect", () => {
  clearInterval(watch);
  void edge.close(0);
});
