/** What a real client would report, and then back off or reconnect. */
export type ClientFailureCode =
  | "dial"
  | "status"
  | "no-server-key"
  | "body-too-long"
  | "frame-too-long"
  | "unexpected-eof"
  | "bad-zstd"
  | "bad-json"
  | "map-without-node"
  | "trap"
  | "timeout";

export class ClientFailure extends Error {
  override readonly name = "ClientFailure";
  readonly code: ClientFailureCode;
  /** HTTP status, where one was answered. */
  readonly status: number | undefined;

  constructor(code: ClientFailureCode, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }
}
