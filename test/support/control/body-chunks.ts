import type { ClientHttp2Stream } from "node:http2";
import { ClientFailure } from "./client-failure.ts";

/**
 * The body of an answer, chunk by chunk. Node's own iterator refuses an HTTP/2 stream that both sides have closed, even
 * with its whole body still unread, which is what a short answer looks like by the time it is awaited.
 * @throws the stream's error, or {ClientFailure} `unexpected-eof` when it is cut
 */
export async function* bodyChunks(stream: ClientHttp2Stream): AsyncGenerator<Buffer, void, void> {
  let wake = () => {};
  let ended = stream.readableEnded;
  let failure: unknown;
  const onReadable = () => wake();
  const onEnd = () => {
    ended = true;
    wake();
  };
  const onError = (error: unknown) => {
    failure = error;
    wake();
  };
  const onClose = () => {
    if (!ended) failure ??= new ClientFailure("unexpected-eof", "the stream was cut");
    wake();
  };
  stream.on("readable", onReadable).on("end", onEnd).on("error", onError).on("close", onClose);
  try {
    while (!ended) {
      const chunk = stream.read() as Buffer | null;
      if (chunk) yield chunk;
      else if (failure) throw failure;
      else if (stream.destroyed) onClose();
      else if (!ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stream.off("readable", onReadable).off("end", onEnd).off("error", onError).off("close", onClose);
  }
}

/** The whole body. @throws {ClientFailure} `body-too-long` */
export async function wholeBody(stream: ClientHttp2Stream, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyChunks(stream)) {
    length += chunk.length;
    if (length > maxBytes) throw new ClientFailure("body-too-long", `answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
