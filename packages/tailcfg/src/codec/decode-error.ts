/** A message does not decode; `field` names what is wrong and never quotes its value. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly code: "not-json" | "not-an-object" | "too-deep" | "bad-field" | "too-long";
  readonly field: string;
  constructor(code: DecodeError["code"], field: string, options?: ErrorOptions) {
    super(
      {
        "not-json": "body is not JSON",
        "not-an-object": `${field} is not a JSON object`,
        "too-deep": `${field} is nested too deeply`,
        "bad-field": `field ${field} is malformed`,
        "too-long": `${field} is too long`,
      }[code],
      options,
    );
    this.code = code;
    this.field = field;
  }
}
