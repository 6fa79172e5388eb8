import { ChallengeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { EarlyPayloadReader, encodeEarlyPayload } from "./early-payload.ts";

const nodeKeyChallenge = ChallengeKey.parse(`chalpub:${"5f".repeat(32)}`);
const encoded = encodeEarlyPayload({ nodeKeyChallenge });
const http2 = Buffer.from("000000040000000000", "hex");

/** Feeds the chunks until there is an outcome; later chunks are added to its rest, as a stream would. */
function read(chunks: readonly Uint8Array[], reader = new EarlyPayloadReader()) {
  let outcome: ReturnType<EarlyPayloadReader["push"]>;
  const behind: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (outcome) behind.push(chunk);
    else outcome = reader.push(chunk);
  }
  return outcome && { payload: outcome.payload, rest: Buffer.concat([outcome.rest, ...behind]).toString("hex") };
}

describe("encodeEarlyPayload", () => {
  test("writes magic, big-endian length and JSON", () => {
    const json = `{"nodeKeyChallenge":"${nodeKeyChallenge}"}`;
    expect(Buffer.from(encoded).toString("latin1")).toBe(
      `\xff\xff\xffTS\0\0\0${String.fromCharCode(json.length)}${json}`,
    );
  });
});

describe("EarlyPayloadReader", () => {
  test("takes a payload off the stream, wherever the bytes are cut", () => {
    const stream = Buffer.concat([encoded, http2]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const outcome = read([stream.subarray(0, cut), stream.subarray(cut)]);
      expect(outcome).toEqual({ payload: { nodeKeyChallenge }, rest: http2.toString("hex") });
    }
    expect(read([...stream].map((byte) => Uint8Array.of(byte)))?.rest).toBe(http2.toString("hex"));
  });

  test("passes a stream without payload through, wherever it is cut", () => {
    for (let cut = 0; cut <= http2.length; cut++) {
      const outcome = read([http2.subarray(0, cut), http2.subarray(cut)]);
      expect(outcome).toEqual({ payload: undefined, rest: http2.toString("hex") });
    }
  });

  test("waits while fewer than nine bytes have come", () => {
    expect(new EarlyPayloadReader().push(encoded.subarray(0, 8))).toBeUndefined();
  });

  test.for(["{}", '{"nodeKeyChallenge":null}', '{"other":1}'])("finds no challenge in %s", (json) => {
    const bytes = Buffer.concat([encoded.subarray(0, 8), Buffer.from([json.length]), Buffer.from(json)]);
    expect(read([bytes])).toEqual({ payload: {}, rest: "" });
  });

  test.for([
    { says: "no JSON", body: "{" },
    { says: "nothing", body: "" },
    { says: "a list of nothing", body: "null" },
    { says: "bytes that are no UTF-8", body: "\xff" },
    { says: "a challenge of another kind", body: `{"nodeKeyChallenge":"mkey:${"5f".repeat(32)}"}` },
    { says: "a challenge that is a number", body: '{"nodeKeyChallenge":5}' },
  ])("refuses $says", ({ body }) => {
    const bytes = Buffer.concat([encoded.subarray(0, 8), Buffer.from([body.length]), Buffer.from(body, "latin1")]);
    const reader = new EarlyPayloadReader();
    expect(() => read([bytes], reader)).toThrow(expect.objectContaining({ code: "bad-early-payload" }));
    expect(() => reader.push(bytes)).toThrow(expect.objectContaining({ code: "finished" }));
  });

  test("refuses a payload over its limit as soon as the length has come", () => {
    const head = Buffer.from("ffffff54530000000b", "hex");
    expect(() => read([head], new EarlyPayloadReader(10))).toThrow(
      expect.objectContaining({ code: "bad-early-payload" }),
    );
    expect(new EarlyPayloadReader(11).push(head)).toBeUndefined();
    const huge = Buffer.from("ffffff5453ffffffff", "hex");
    expect(() => read([huge])).toThrow(expect.objectContaining({ code: "bad-early-payload" }));
  });
});
