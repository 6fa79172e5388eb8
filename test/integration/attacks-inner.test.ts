import { flag, frame, frameType, headerBlock, opening, reset } from "@headscale/server/edge/testing/http2-frames";
import { describe, expect, test } from "vitest";
import { TestDaemon } from "../support/daemon.ts";
import { head, odd, uint32, zeroWindowOpening } from "../support/hostile-frames.ts";
import { HostileLine } from "../support/hostile-line.ts";
import { ask } from "../support/plain-http.ts";

const whoami = (n: number) => head(odd(n), "GET", "/machine/whoami");
const block = headerBlock("GET", {}, "/machine/whoami");
const field = headerBlock("GET", { x: "x".repeat(1_000) }).subarray(3);
const many = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, value]));
const upload = (path: string) => (n: number) =>
  n === 1 ? head(1, "POST", path) : frame(frameType.data, 0, 1, Buffer.alloc(16_384, " "));

/** What a machine that nobody knows says, frame by frame, once it has said the preface. */
const floods: readonly { readonly says: string; readonly bytes: (n: number) => Uint8Array; readonly start?: Buffer }[] =
  [
    { says: "requests that it resets", bytes: (n) => Buffer.concat([whoami(n), reset(odd(n))]) },
    { says: "more requests than it may", bytes: whoami },
    { says: "requests that it never finishes", bytes: (n) => head(odd(n), "POST", "/machine/register") },
    {
      says: "a head that never ends",
      bytes: (n) => frame(n === 1 ? frameType.headers : frameType.continuation, 0, 1, n === 1 ? block : field),
    },
    { says: "heads of hundreds of fields", bytes: (n) => head(odd(n), "GET", "/", many(300, "1")) },
    { says: "heads of 15 KB", bytes: (n) => head(odd(n), "GET", "/", many(15, "x".repeat(1_000))) },
    { says: "pings", bytes: () => frame(frameType.ping, 0, 0, new Uint8Array(8)) },
    { says: "settings", bytes: () => frame(frameType.settings, 0, 0) },
    { says: "window updates", bytes: () => frame(frameType.windowUpdate, 0, 0, uint32(1)) },
    {
      says: "priorities",
      bytes: (n) => frame(frameType.priority, 0, odd(1 + (n % 99)), Buffer.concat([uint32(0), Uint8Array.of(1)])),
    },
    { says: "frames of a type that is none", bytes: () => frame(0xbe, 0, 0, Buffer.alloc(64)) },
    {
      says: "data without a byte",
      bytes: (n) => (n === 1 ? head(1, "POST", "/machine/register") : frame(frameType.data, 0, 1)),
    },
    {
      says: "goodbyes",
      bytes: (n) => frame(frameType.goAway, 0, 0, Buffer.concat([uint32(0), uint32(n === 1 ? 0 : 1)])),
    },
    { says: "a body without end", bytes: upload("/machine/register") },
    { says: "a body after its answer", bytes: upload("/nothing") },
    { says: "requests whose answers it does not take", bytes: whoami, start: zeroWindowOpening },
    { says: "garbage", bytes: () => Buffer.alloc(1_000, 0xff) },
  ];

/** Small, so that it shows soon. */
const limits = { "http2.control_burst": 500, "http2.controls_per_second": 100, "http2.unexplained_size": "16KiB" };
const inTree = (names: Readonly<Record<string, unknown>>) => {
  const tree: Record<string, Record<string, unknown>> = {};
  for (const [name, value] of Object.entries(names)) {
    const [section = "", key = ""] = name.split(".");
    tree[section] = { ...tree[section], [key]: value };
  }
  return tree;
};

describe("a machine that nobody knows", () => {
  test.for(floods)("is hung up on for $says, while others are served", async ({ bytes, start = opening }) => {
    await using daemon = await TestDaemon.start({
      config: { limits: { ...inTree(limits), stranger: { request_burst: 50, requests_per_second: 10 } } },
    });
    using line = await HostileLine.open(daemon.server);
    line.say(start);
    const attack = line.persist(bytes, 200_000);
    const served = await daemon.client().request({ method: "GET", path: "/machine/whoami" });
    expect(served.status).toBe(200);
    expect((await ask(daemon.url, { path: "/health" })).status).toBe(200);
    expect(await attack).toBe(true);
    expect(daemon.log.filter((text) => text.startsWith("error"))).toEqual([]);
  });

  test.for([
    { says: "nothing at all", bytes: Buffer.alloc(0) },
    { says: "half of the preface", bytes: opening.subarray(0, 10) },
    { says: "the preface without settings", bytes: opening.subarray(0, 24) },
  ])("that says $says after its handshake is hung up on", async ({ bytes }) => {
    await using daemon = await TestDaemon.start({ config: { limits: { handshake_timeout: "300ms" } } });
    using line = await HostileLine.open(daemon.server);
    await line.say(bytes).closed;
    expect(await daemon.client().request({ method: "GET", path: "/machine/whoami" })).toMatchObject({ status: 200 });
  });

  test("is hung up on when it only holds a connection", async () => {
    await using daemon = await TestDaemon.start({ config: { limits: { client: { idle_timeout: "1s" } } } });
    using line = await HostileLine.open(daemon.server);
    await line.say(opening).closed;
  });

  test("that never takes an answer loses it, and its connection goes on", async () => {
    await using daemon = await TestDaemon.start({ config: { limits: { request_timeout: "300ms" } } });
    using line = await HostileLine.open(daemon.server);
    line.say(Buffer.concat([zeroWindowOpening, whoami(1)]));
    const calm = frame(frameType.rstStream, 0, 1, uint32(11)); // ENHANCE_YOUR_CALM
    await expect.poll(() => line.heard.includes(calm)).toBe(true);
  });

  test("may not hold more unfinished bodies than all machines at its address together", async () => {
    await using daemon = await TestDaemon.start({ config: { limits: { client: { unfinished_bodies: "64KiB" } } } });
    const part = (stream: number) => [
      head(stream, "POST", "/machine/register"),
      frame(frameType.data, 0, stream, Buffer.alloc(16_000, " ")),
      frame(frameType.data, 0, stream, Buffer.alloc(16_000, " ")),
    ];
    using first = await HostileLine.open(daemon.server);
    first.say(Buffer.concat([opening, ...part(1), ...part(3)]));
    using second = await HostileLine.open(daemon.server);
    second.say(Buffer.concat([opening, ...part(1)]));
    // `:status 429` as a literal with the static table's name.
    await expect.poll(() => Buffer.concat([first.heard, second.heard]).includes("429")).toBe(true);
    const client = daemon.client();
    const answer = await client.request({ method: "POST", path: "/machine/register", body: Buffer.alloc(16_000, " ") });
    expect(answer.status).toBe(400);
  });

  test("may say flags and types of its own to a server that stays upright", async () => {
    await using daemon = await TestDaemon.start();
    using line = await HostileLine.open(daemon.server);
    line.say(Buffer.concat([opening, frame(frameType.headers, flag.endHeaders, 1, Buffer.from([0xff, 0xff]))]));
    await line.closed;
    expect((await ask(daemon.url, { path: "/health" })).status).toBe(200);
  });
});
