import { describe, expect, test } from "vitest";
import { parseListenAddress, showListenAddress } from "./listen-address.ts";

describe("parseListenAddress", () => {
  test.for([
    { text: "0.0.0.0:8080", host: "0.0.0.0", port: 8080, shown: "0.0.0.0:8080" },
    { text: "[::1]:443", host: "::1", port: 443, shown: "[::1]:443" },
    { text: "localhost:0", host: "localhost", port: 0, shown: "localhost:0" },
    { text: ":8080", host: undefined, port: 8080, shown: "port 8080" },
    { text: ":http", host: undefined, port: 80, shown: "port 80" },
    { text: "192.0.2.1:https", host: "192.0.2.1", port: 443, shown: "192.0.2.1:443" },
  ])("reads $text", ({ text, host, port, shown }) => {
    const address = parseListenAddress("listen_addr", text);
    expect(address).toEqual({ kind: "tcp", port, ...(host && { host }) });
    expect(showListenAddress(address)).toBe(shown);
  });

  test.for([
    "",
    "8080",
    "localhost",
    "::1:443",
    "[::1]",
    "[nonsense]:80",
    "[1.2.3.4]:80",
    "a:65536",
    ":gopher",
    "a:b:80",
    "a:",
    ":-1",
  ])("refuses %j, naming the setting", (text) => {
    expect(() => parseListenAddress("listen_addr", text)).toThrow(/^listen_addr /);
  });
});
