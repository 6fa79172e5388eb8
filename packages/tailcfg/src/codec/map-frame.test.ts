import { fc, test as prop } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { frameMapMessage, keepAliveText } from "./map-frame.ts";

describe("frameMapMessage", () => {
  test("writes the length with its least byte first: clients read nothing else", () => {
    const [header] = frameMapMessage([new Uint8Array(0x01_02_03)]);
    expect([...(header ?? [])]).toEqual([0x03, 0x02, 0x01, 0x00]);
  });

  prop.prop([fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 8 })])(
    "counts all its pieces together and passes them on as they are",
    (pieces) => {
      const [header, ...rest] = frameMapMessage(pieces);
      expect(Buffer.from(header ?? []).readUInt32LE(0)).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0));
      expect(rest.every((piece, i) => piece === pieces[i])).toBe(true);
    },
  );
});

test("a keep-alive is not the text that makes clients take later messages for keep-alives", () => {
  expect(JSON.parse(keepAliveText)).toEqual({ KeepAlive: true });
  expect(keepAliveText).not.toBe(JSON.stringify({ KeepAlive: true }));
});
