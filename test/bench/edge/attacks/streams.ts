import { flag, frame, frameType, headerBlock, opening, reset } from "@headscale/server/edge/testing/http2-frames";
import { odd, uint32, zeroWindowOpening } from "../../../support/hostile-frames.ts";
import { freshKey, type Hostile } from "../hostile.ts";

const whoami = headerBlock("GET", {}, "/machine/whoami");
const register = headerBlock("POST", {}, "/machine/register");
const whole = flag.endHeaders | flag.endStream;
const manyFields = headerBlock("GET", Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`x-${n}`, "1"])));
const field = headerBlock("GET", { x: "x".repeat(1_000) }).subarray(3);
const hugeHead = headerBlock(
  "GET",
  Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`x-${n}`, "x".repeat(1_000)])),
);

/** The first frames of a session, then `frames(2)`, `frames(3)`, …: by a machine that nobody knows. */
function flood(frames: (n: number) => Uint8Array, start: Uint8Array = opening) {
  return (hostile: Hostile) =>
    hostile.flood(
      () => hostile.noise(),
      (n) => (n === 1 ? start : frames(n - 1)),
    );
}

/** Sessions that say `bytes` and wait. */
function holding(count: number, bytes: Uint8Array, machineKey?: ReturnType<typeof freshKey>) {
  return (hostile: Hostile) =>
    hostile.keep(count, async () => {
      const stream = await hostile.noise(machineKey);
      stream?.write(bytes);
      return stream;
    });
}

const post = frame(frameType.headers, flag.endHeaders, 1, register);
/** As many unfinished bodies as a session may have streams. */
const slowBodies = Buffer.concat([
  opening,
  ...Array.from({ length: 100 }, (_, n) => frame(frameType.headers, flag.endHeaders, odd(n + 1), register)),
  ...Array.from({ length: 100 }, (_, n) => frame(frameType.data, 0, odd(n + 1), Buffer.alloc(1_000, " "))),
]);
const almostAll = Buffer.concat([
  opening,
  post,
  ...Array.from({ length: 60 }, () => frame(frameType.data, 0, 1, Buffer.alloc(16_384, " "))),
]);

/** HTTP/2 inside Noise, by machines that nobody knows. */
export const streams: Readonly<Record<string, (hostile: Hostile) => Promise<void>>> = {
  "inner/rapid-reset": flood((n) => Buffer.concat([frame(frameType.headers, whole, odd(n), whoami), reset(odd(n))])),
  "inner/requests": flood((n) => frame(frameType.headers, whole, odd(n), whoami)),
  "inner/open-streams": flood((n) => frame(frameType.headers, flag.endHeaders, odd(n), register)),
  "inner/continuation": flood((n) =>
    frame(n === 1 ? frameType.headers : frameType.continuation, 0, 1, n === 1 ? whoami : field),
  ),
  "inner/many-fields": flood((n) => frame(frameType.headers, whole, odd(n), manyFields)),
  "inner/huge-heads": flood((n) => frame(frameType.headers, whole, odd(n), hugeHead)),
  "inner/ping": flood(() => frame(frameType.ping, 0, 0, new Uint8Array(8))),
  "inner/settings": flood(() => frame(frameType.settings, 0, 0)),
  "inner/window-update": flood(() => frame(frameType.windowUpdate, 0, 0, uint32(1))),
  "inner/priority": flood((n) =>
    frame(frameType.priority, 0, odd((n % 1_000) + 1), Buffer.concat([uint32(0), Uint8Array.of(1)])),
  ),
  "inner/unknown-frames": flood(() => frame(0xbe, 0, 0, Buffer.alloc(64))),
  "inner/empty-data": flood((n) => (n === 1 ? post : frame(frameType.data, 0, 1))),
  "inner/goaway": flood((n) => frame(frameType.goAway, 0, 0, Buffer.concat([uint32(0), uint32(n === 1 ? 0 : 1)]))),
  "inner/huge-body": flood((n) => (n === 1 ? post : frame(frameType.data, 0, 1, Buffer.alloc(16_384, " ")))),
  "inner/body-after-answer": flood((n) =>
    n === 1
      ? frame(frameType.headers, flag.endHeaders, 1, headerBlock("POST", {}, "/nothing"))
      : frame(frameType.data, 0, 1, Buffer.alloc(16_384, " ")),
  ),
  "inner/slow-bodies": holding(200, slowBodies),
  "inner/unfinished-bodies": holding(500, almostAll),
  "inner/zero-window": flood((n) => frame(frameType.headers, whole, odd(n), whoami), zeroWindowOpening),
  "inner/sessions-of-one-key": holding(1_000, opening, freshKey()),
  "inner/sessions-of-many-keys": holding(1_000, opening),
};
