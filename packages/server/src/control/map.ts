import { constants, type ServerHttp2Stream } from "node:http2";
import { minCapabilityVersion } from "@headscale/tailcfg";
import { decodeMapRequest } from "@headscale/tailcfg/codec";
import type { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import type { Node } from "@headscale/tailnet";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import type { Live } from "#live/live.ts";
import { keepAlive, type MapSession } from "#live/map-session.ts";
import { readBody } from "./body.ts";
import type { ControlLimits } from "./limits.ts";
import type { MachineEnv } from "./machine-server.ts";
import type { MapPace } from "./map-pace.ts";
import type { OpenMaps } from "./open-maps.ts";
import { tooOld } from "./register.ts";
import { SlowReaderError, writeWithin } from "./slow-writes.ts";

/** What map streams tell the log and the counters. */
export interface MapEvents {
  opened(node: Node): void;
  /** `client`: the client closed it. `server`: the node was removed, connected again, or this server stops. */
  ended(node: Node, reason: "client" | "server" | "failed"): void;
  sent(type: "full" | "delta" | "keepalive", bytes: number): void;
}

export interface MapOptions {
  readonly live: Live;
  readonly events: MapEvents;
  readonly limits: Pick<ControlLimits, "report" | "retryAfterMs" | "mapWriteMs">;
  readonly pace: MapPace;
  readonly open: OpenMaps;
  /** Fires when the server goes down: streams end, clients come back to its successor. */
  readonly closing: AbortSignal;
  /** A stream broke off by this server's fault. */
  onFailed(error: unknown): void;
}

/** The node with this key, if it is this machine's: knowing a node key opens nothing. */
export function ownNode(live: Live, nodeKey: NodeKey, machineKey: MachineKey): Node | undefined {
  const id = live.world.index.nodeByNodeKey.get(nodeKey);
  const node = id === undefined ? undefined : live.world.nodes.get(id);
  return node?.machineKey === machineKey ? node : undefined;
}

/** `POST /machine/map`: an update without answer, one whole map, or the stream. Failures before a map are HTTP errors. */
export function mapHandler(options: MapOptions) {
  const streams = new OpenStreams(options.closing);
  return async (context: Context<MachineEnv>): Promise<Response> => {
    const { live, limits, pace } = options;
    const { incoming, outgoing } = context.env;
    const { machineKey } = context.get("connection");
    const request = decodeMapRequest(await readBody(incoming, context.get("bodyLimits")), limits.report);
    if (request.Version < minCapabilityVersion) return context.text(tooOld(request.Version), 400);
    const owned = () => ownNode(live, request.NodeKey, machineKey);
    if (!owned()) await live.caughtUp();
    if (owned() && !(await pace.turn(machineKey, closeOf(outgoing.stream))))
      return context.text("too many map requests of this machine at once", 429, {
        "Retry-After": String(Math.ceil(limits.retryAfterMs / 1_000)),
      });
    const asking = owned();
    if (asking && !request.ReadOnly) await live.report(asking, request);
    // Asked again: it may have been deleted meanwhile.
    const node = owned();
    if (!node) return context.text("node not found: log in again", 404);
    if (!request.Stream && request.OmitPeers) return context.body(null, 200);
    await sendMaps(options, streams, node, outgoing.stream, request.Stream);
    return RESPONSE_ALREADY_SENT;
  };
}

/** What ends the streams that are open: a signal each, for one that many share costs more with each of them. */
class OpenStreams {
  readonly #open = new Set<AbortController>();
  #isClosing: boolean;

  constructor(closing: AbortSignal) {
    this.#isClosing = closing.aborted;
    closing.addEventListener("abort", () => {
      this.#isClosing = true;
      for (const stream of [...this.#open]) stream.abort();
    });
  }

  open(): AbortController {
    const stream = new AbortController();
    this.#open.add(stream);
    if (this.#isClosing) stream.abort();
    return stream;
  }

  ended(stream: AbortController): void {
    this.#open.delete(stream);
  }
}

async function sendMaps(
  options: MapOptions,
  streams: OpenStreams,
  node: Node,
  stream: ServerHttp2Stream,
  isStream: boolean | undefined,
): Promise<void> {
  const leave = options.open.enter(node.id, () => stream.close(constants.NGHTTP2_CANCEL));
  try {
    await (isStream ? streamMap(options, streams, node, stream) : sendOneMap(options, node, stream));
  } finally {
    leave();
  }
}

/** Fires when the stream is gone, at once if it is already. */
function closeOf(stream: ServerHttp2Stream): AbortSignal {
  if (stream.destroyed || stream.closed) return AbortSignal.abort();
  const gone = new AbortController();
  stream.once("close", () => gone.abort());
  return gone.signal;
}

function respond(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/octet-stream" });
}

async function sendOneMap({ live, limits }: MapOptions, node: Node, stream: ServerHttp2Stream): Promise<void> {
  const pieces = live.tailnet(node.tailnet).peek(node.id).fullFrame();
  const gone = closeOf(stream);
  if (gone.aborted) return;
  respond(stream);
  try {
    await writeWithin(stream, pieces, limits.mapWriteMs, gone);
    stream.end();
  } catch (error) {
    if (error instanceof SlowReaderError) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else if (!gone.aborted) throw error;
  }
}

async function streamMap(
  options: MapOptions,
  streams: OpenStreams,
  node: Node,
  stream: ServerHttp2Stream,
): Promise<void> {
  if (stream.destroyed || stream.closed) return;
  const { live, events } = options;
  let isGone = false;
  const over = streams.open();
  stream.once("close", () => {
    isGone = true;
    over.abort();
  });
  const session = live.connect(node);
  events.opened(node);
  let isOrderly = false;
  try {
    await pump(session, stream, over.signal, options);
    isOrderly = true;
    if (!stream.destroyed) stream.end();
  } catch (error) {
    if (error instanceof SlowReaderError) return void stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    if (!stream.headersSent) throw error;
    // Too late for an HTTP error; a stream that breaks off tells the client to come back.
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    options.onFailed(error);
  } finally {
    streams.ended(over);
    live.disconnect(node.tailnet, session);
    events.ended(node, isGone ? "client" : isOrderly ? "server" : "failed");
  }
}

/** Writes frames as fast as the client reads them: the session collects what happens meanwhile. @throws {SlowReaderError} */
async function pump(
  session: MapSession,
  stream: ServerHttp2Stream,
  signal: AbortSignal,
  { events, limits }: MapOptions,
): Promise<void> {
  try {
    for await (const pieces of session.frames(signal)) {
      if (stream.destroyed) return;
      const isFirst = !stream.headersSent;
      // Not before there is a map to send: a 200 without one sends clients into a loop.
      if (isFirst) respond(stream);
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      events.sent(isFirst ? "full" : pieces === keepAlive ? "keepalive" : "delta", bytes);
      await writeWithin(stream, pieces, limits.mapWriteMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
