import { describe, expect, test } from "vitest";
import { createMetricsApp, type MetricsBindings } from "./metrics-app.ts";

const app = createMetricsApp({
  metrics: () => ({ text: "up 1\n", contentType: "text/plain; version=0.0.4; charset=utf-8" }),
  debugPages: { config: () => ({ log: { level: "info" } }), policy: async () => "// all may talk" },
  allowedSources: ["192.168.7.0/24", "fd00::/8"],
});

const get = (path: string, source: MetricsBindings = { remoteAddress: "127.0.0.1" }) => app.request(path, {}, source);

describe("createMetricsApp", () => {
  test.for<{ source: MetricsBindings; status: number }>([
    { source: { remoteAddress: "127.0.0.1" }, status: 200 },
    { source: { remoteAddress: "::1" }, status: 200 },
    { source: { remoteAddress: "::ffff:127.0.0.1" }, status: 200 },
    { source: { remoteAddress: "127.0.0.9", isForwarded: false }, status: 200 },
    { source: { remoteAddress: "192.168.7.9" }, status: 200 },
    { source: { remoteAddress: "fd12::1" }, status: 200 },
    { source: { remoteAddress: "192.168.8.9" }, status: 403 },
    { source: { remoteAddress: "100.64.0.1" }, status: 403 },
    { source: { remoteAddress: "localhost" }, status: 403 },
    { source: { remoteAddress: undefined }, status: 403 },
    // A proxy makes everybody look local.
    { source: { remoteAddress: "127.0.0.1", isForwarded: true }, status: 403 },
    { source: { remoteAddress: "192.168.7.9", isForwarded: true }, status: 403 },
    { source: {}, status: 403 },
  ])("answers $source with $status", async ({ source, status }) => {
    for (const path of ["/metrics", "/debug/", "/debug/config"]) expect((await get(path, source)).status).toBe(status);
  });

  test("serves metrics under their content type", async () => {
    const answer = await get("/metrics");
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await answer.text()).toBe("up 1\n");
  });

  test("serves the picture that its pages show", async () => {
    const answer = await get("/favicon.ico");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
  });

  test("serves texts as text, the rest as JSON, and lists what there is", async () => {
    expect(await (await get("/debug/policy")).text()).toBe("// all may talk");
    expect(await (await get("/debug/config")).json()).toEqual({ log: { level: "info" } });
    expect(await (await get("/debug/")).text()).toContain('<a href="/debug/config">');
    expect((await get("/debug/none")).status).toBe(404);
  });
});
