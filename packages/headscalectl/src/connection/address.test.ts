import { describe, expect, test } from "vitest";
import { parseAddress } from "./address.ts";

describe("parseAddress", () => {
  test.for([
    { text: "https://hs.example.com", address: { kind: "http", url: "https://hs.example.com" } },
    { text: "https://hs.example.com:8443/", address: { kind: "http", url: "https://hs.example.com:8443" } },
    { text: "https://example.com/hs/", address: { kind: "http", url: "https://example.com/hs" } },
    { text: "http://127.0.0.1:8080", address: { kind: "http", url: "http://127.0.0.1:8080" } },
    { text: "hs.example.com", address: { kind: "http", url: "https://hs.example.com" } },
    { text: "hs.example.com:50443", address: { kind: "http", url: "https://hs.example.com:50443" } },
    { text: "localhost:8080", address: { kind: "http", url: "https://localhost:8080" } },
    { text: "[fd7a::1]:8080", address: { kind: "http", url: "https://[fd7a::1]:8080" } },
    { text: "unix:///run/hs.sock", address: { kind: "unix", path: "/run/hs.sock" } },
    { text: "unix:data/hs.sock", address: { kind: "unix", path: "data/hs.sock" } },
  ])("takes $text", ({ text, address }) => {
    expect(parseAddress(text)).toEqual(address);
  });

  test.for([
    { text: "", why: "not a URL" },
    { text: "a b", why: "not a URL" },
    { text: "host:99999", why: "not a URL" },
    { text: "ftp://host", why: "unknown scheme" },
    { text: "https://user:secret@host", why: "credentials" },
    { text: "https://host?x=1", why: "before any ?" },
    { text: "unix:", why: "no path" },
    { text: "unix://", why: "no path" },
  ])("refuses $text", ({ text, why }) => {
    expect(() => parseAddress(text)).toThrow(why);
    expect(() => parseAddress(text)).not.toThrow("secret");
  });
});
