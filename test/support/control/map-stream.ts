import type { ClientHttp2Stream } from "node:http2";
import type { MapResponse } from "@headscale/tailcfg";
import { bodyChunks } from "./body-chunks.ts";
import { ClientFailure } from "./client-failure.ts";
import { MapFrameReader } from "./map-frame-reader.ts";
import { decodeMapMessage } from "./map-message.ts";

/** An answered map request. Read it in one of three ways, once: decoded messages, raw frames, or sizes alone. */
export class MapStream implements AsyncDisposable {
  readonly #stream: ClientHttp2Stream;

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
  }

  /** Every message, decoded; what a real client makes an error of is an error here. */
  async *messages(): AsyncGenerator<MapResponse, void, void> {
    let first = true;
    for await (const frame of this.frames()) {
      const message = decodeMapMessage(frame);
      if (first && !message.KeepAlive) {
        if (!message.Node) throw new ClientFailure("map-without-node", "initial MapResponse lacked Node");
        first = false;
      }
      yield message;
    }
  }

  /** Every message as it came, compressed. @throws {ClientFailure} `unexpected-eof` also when none came */
  async *frames(): AsyncGenerator<Buffer, void, void> {
    const reader = new MapFrameReader();
    let any = false;
    try {
      for await (const chunk of bodyChunks(this.#stream)) {
        const complete: Buffer[] = [];
        reader.push(chunk, (_, frame) => complete.push(frame as Buffer));
        any ||= complete.length > 0;
        yield* complete;
      }
    } finally {
      this.close();
    }
    reader.end();
    if (!any) throw new ClientFailure("unexpected-eof", "the map stream ended without a message");
  }

  /** Tells the size of each message until the stream ends, and keeps none of it: for thousands of clients. */
  skim(onMessage: (bytes: number) => void): Promise<void> {
    const reader = new MapFrameReader({ keep: false });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream
      .on("data", (chunk: Buffer) => reader.push(chunk, onMessage))
      .on("error", reject)
      .on("close", resolve);
    return promise;
  }

  /** Ends the poll from this side. */
  close(): void {
    // NGHTTP2_CANCEL, as a client that drops its request. RFC 9113 §7
    if (!this.#stream.closed) this.#stream.close(8);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
