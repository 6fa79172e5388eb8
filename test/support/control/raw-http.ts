/** A request as C2N carries it: the bytes that would go over a socket. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface RawResponse {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly contentType?: string;
}

/** @throws {SyntaxError} unless `bytes` are an HTTP/1.x request with as much body as its Content-Length says */
export function parseRawRequest(bytes: Buffer): RawRequest {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new SyntaxError("the request head has no end");
  const [line = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (!method || !path) throw new SyntaxError("the request line is malformed");
  const headers = new Map(
    lines.map((header) => {
      const colon = header.indexOf(":");
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()] as const;
    }),
  );
  const length = Number(headers.get("content-length") ?? 0);
  const body = bytes.subarray(end + 4, end + 4 + length);
  if (body.length !== length) throw new SyntaxError("the request body is shorter than its Content-Length");
  return { method, path, headers, body };
}

const reasons: Readonly<Record<number, string>> = { 200: "OK", 204: "No Content", 400: "Bad Request" };

/** As Go's client writes it: no Content-Length, the body ends with the bytes. */
export function formatRawResponse({ status, body, contentType = "text/plain; charset=utf-8" }: RawResponse): Buffer {
  const head = `HTTP/1.1 ${status} ${reasons[status] ?? ""}\r\nConnection: close\r\nContent-Type: ${contentType}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), typeof body === "string" ? Buffer.from(body) : body]);
}

/** The part of a client's C2N service that any client has: `/echo`; an unknown path is 400. */
export function defaultC2N({ path, body }: RawRequest): RawResponse {
  return path.split("?")[0] === "/echo" ? { status: 200, body } : { status: 400, body: "unknown c2n path" };
}
