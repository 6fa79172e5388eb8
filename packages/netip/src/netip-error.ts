export type NetipErrorCode =
  | "bad-address"
  | "bad-prefix"
  | "host-bits"
  | "bad-range"
  | "out-of-range"
  | "family-mismatch";

/** Text that is no address, prefix or range, or values that do not fit together. The message never quotes the input. */
export class NetipError extends Error {
  override readonly name = "NetipError";
  readonly code: NetipErrorCode;

  constructor(code: NetipErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
