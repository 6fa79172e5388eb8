import type { DescMessage, Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { toContractJson } from "@headscale/gen/contract-json";
import { errorBody } from "./error-reply.ts";

/**
 * A stream of messages as newline-delimited JSON: `{"result": …}` each, and a last `{"error": …}` if it fails.
 * Source: grpc-gateway v2 runtime/handler.go.
 *
 * Waits for the first message, so that a call that is refused at once answers with its status; streams of the contract
 * open with a message.
 * @param hangUp ends the call when the reader has gone.
 * @throws {ConnectError} when the stream fails before its first message.
 */
export async function streamReply(
  schema: DescMessage,
  messages: AsyncIterable<Message>,
  hangUp: () => void,
): Promise<Response> {
  const iterator = messages[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<Message>> = Promise.resolve(await iterator.next());
  const encoder = new TextEncoder();
  const line = (value: unknown) => encoder.encode(`${JSON.stringify(value)}\n`);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await next;
        if (done) return controller.close();
        controller.enqueue(line({ result: toContractJson(schema, value) }));
        next = iterator.next();
        // Whoever pulls next sees the failure; until then nobody has to.
        next.catch(() => undefined);
      } catch (error) {
        controller.enqueue(line({ error: errorBody(ConnectError.from(error)) }));
        controller.close();
      }
    },
    cancel: hangUp,
  });
  const headers = { "content-type": "application/x-ndjson", "cache-control": "no-store", "x-accel-buffering": "no" };
  return new Response(body, { headers });
}
