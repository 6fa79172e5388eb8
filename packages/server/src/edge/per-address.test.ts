import { once } from "node:events";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { createEdge } from "./edge.ts";

describe("connections of one address", () => {
  test("are refused beyond the limit, and let in again when one has gone", async () => {
    const edge = createEdge({
      request: (_request, response) => void response.end("hello"),
      limits: { connectionsPerAddress: 1 },
    });
    const { port } = await edge.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const connect = () => net.connect(port ?? 0, "127.0.0.1").on("error", () => {});
    const first = connect();
    await once(first, "connect");
    await expect.poll(() => edge.stats().connections).toBe(1);
    const second = connect();
    // Not `once`, which would take the reset for a failure.
    await new Promise((resolve) => second.once("close", resolve));
    expect(edge.stats().refused).toBe(1);
    first.destroy();
    await expect.poll(() => edge.stats().connections).toBe(0);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("hello");
    await edge.close(0);
  });
});
