import { describe, expect, test } from "vitest";
import { firstProtocol } from "./preface.ts";

const http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

describe("firstProtocol", () => {
  test.for([
    { bytes: "\x16", protocol: "tls" },
    { bytes: "\x16\x03\x01", protocol: "tls" },
    { bytes: http2, protocol: "h2" },
    { bytes: `${http2}\0\0\0`, protocol: "h2" },
    { bytes: "GET / HTTP/1.1\r\n", protocol: "h1" },
    { bytes: "G", protocol: "h1" },
    { bytes: "PRX", protocol: "h1" },
    { bytes: `${http2.slice(0, -1)}x`, protocol: "h1" },
    { bytes: "\0", protocol: "h1" },
    { bytes: "", protocol: undefined },
  ])("hears $protocol in $bytes", ({ bytes, protocol }) => {
    expect(firstProtocol(Buffer.from(bytes, "latin1"))).toBe(protocol);
  });

  test("waits for more at every cut of the HTTP/2 preface", () => {
    for (let cut = 0; cut < http2.length; cut++)
      expect(firstProtocol(Buffer.from(http2.slice(0, cut)))).toBeUndefined();
  });

  test("tells a POST from PRI at the second byte", () => {
    expect(firstProtocol(Buffer.from("P"))).toBeUndefined();
    expect(firstProtocol(Buffer.from("PO"))).toBe("h1");
  });
});
