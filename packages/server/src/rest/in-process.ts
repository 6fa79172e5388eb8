import type { ContextValues, Transport } from "@connectrpc/connect";
import {
  createUniversalHandlerClient,
  type UniversalHandler,
  type UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";

const noLimit = 0xffffffff;

/**
 * Calls one RPC's handler in this process, its interceptors included, as connect's createRouterTransport does, with two
 * differences: `contextValues` reach the handler, and a stream that is hung up on ends even while nobody reads it.
 */
export function inProcessTransport(handler: UniversalHandler, contextValues: ContextValues | undefined): Transport {
  const called: UniversalHandler = Object.assign(async (request: UniversalServerRequest) => {
    const response = await handler(contextValues ? { ...request, contextValues } : request);
    return response.body ? { ...response, body: endedBy(request.signal, response.body) } : response;
  }, handler);
  return createTransport({
    httpClient: createUniversalHandlerClient([called]),
    baseUrl: "https://in-process",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: noLimit,
    readMaxBytes: noLimit,
    writeMaxBytes: noLimit,
  });
}

/** The same stream; its generators run their `finally` when `signal` aborts, wherever they are suspended. */
function endedBy<T>(signal: AbortSignal, stream: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = stream[Symbol.asyncIterator]();
  const end = () => {
    // What the stream still has to say to nobody is nobody's.
    iterator.return?.().catch(() => undefined);
  };
  signal.addEventListener("abort", end, { once: true });
  return { [Symbol.asyncIterator]: () => iterator };
}
