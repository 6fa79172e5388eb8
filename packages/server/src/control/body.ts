import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** A request body was refused: too long, or not all there in time. */
export class BodyError extends Error {
  override readonly name = "BodyError";
  readonly code: "too-long" | "too-slow" | "too-many" | "aborted";
  constructor(code: BodyError["code"]) {
    super(
      {
        "too-long": "request body too long",
        "too-slow": "request body took too long",
        "too-many": "too many request bodies at once",
        aborted: "request was aborted",
      }[code],
    );
    this.code = code;
  }
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Shared by the bodies that count together while they are being read. */
  readonly held?: {
    /** False: no more may be held. */
    take(bytes: number): boolean;
    release(bytes: number): void;
  };
}

/** The whole body as text. Works for GET, whose body the Fetch API would not give. @throws {BodyError} */
export async function readBody(request: IncomingMessage | Http2ServerRequest, limits: BodyLimits): Promise<string> {
  return (await readBodyBytes(request, limits)).toString();
}

/** Outside: a listener made inside would keep the body alive for as long as the request, and with it a slab of 64 KiB. */
const ignored = (): void => {};

/** The whole body as it came. @throws {BodyError} */
export function readBodyBytes(
  request: IncomingMessage | Http2ServerRequest,
  { maxBytes, timeoutMs, held }: BodyLimits,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let heldBytes = 0;
    const timer = setTimeout(() => fail("too-slow"), timeoutMs);
    const fail = (code: BodyError["code"]) => {
      stop();
      reject(new BodyError(code));
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) return fail("too-long");
      if (held && !held.take(chunk.length)) return fail("too-many");
      heldBytes += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      resolve(Buffer.concat(chunks));
    };
    const onGone = () => fail("aborted");
    const stop = () => {
      clearTimeout(timer);
      held?.release(heldBytes);
      request.off("data", onData).off("end", onEnd).off("aborted", onGone).off("close", onGone);
      // What still comes is thrown away, so that the connection can go on.
      request.on("error", ignored).resume();
    };
    request.on("data", onData).on("end", onEnd).on("aborted", onGone).on("close", onGone);
  });
}
