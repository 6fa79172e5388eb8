import { describe, expect, test } from "vitest";
import { defaultC2N, formatRawResponse, parseRawRequest } from "./raw-http.ts";

describe("parseRawRequest", () => {
  test("reads line, headers and body", () => {
    const bytes = Buffer.from("POST /echo?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi and more");
    const { method, path, headers, body } = parseRawRequest(bytes);
    expect([method, path, headers.get("host"), body.toString()]).toEqual(["POST", "/echo?a=1", "x", "hi"]);
  });

  test.for(["", "GET / HTTP/1.1\r\nHost: x\r\n", "GET /\r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GET / HTTP/2\r\n\r\n"])(
    "refuses %j",
    (text) => {
      expect(() => parseRawRequest(Buffer.from(text))).toThrow(SyntaxError);
    },
  );

  test("refuses a body shorter than its length", () => {
    const bytes = Buffer.from("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nhi");
    expect(() => parseRawRequest(bytes)).toThrow(SyntaxError);
  });
});

describe("defaultC2N", () => {
  test("echoes as a real client writes it", () => {
    const echoed = defaultC2N(parseRawRequest(Buffer.from("GET /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")));
    expect(formatRawResponse(echoed).toString()).toBe(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi",
    );
  });

  test("knows no other path", () => {
    expect(defaultC2N(parseRawRequest(Buffer.from("GET /x HTTP/1.1\r\n\r\n"))).status).toBe(400);
  });
});
