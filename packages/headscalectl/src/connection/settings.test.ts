import { describe, expect, test } from "vitest";
import { settingsFrom } from "./settings.ts";

const file = {
  cli: { address: "file.example", api_key: "from-file", timeout: "7s", insecure: true },
  unix_socket: "/f.sock",
};

describe("settingsFrom", () => {
  test("prefers flags to the environment, and that to the file", () => {
    const env = { HEADSCALE_CLI_ADDRESS: "env.example", HEADSCALE_CLI_TIMEOUT: "8s" };
    expect(settingsFrom({ address: "flag.example" }, env, file)).toEqual({
      address: { kind: "http", url: "https://flag.example" },
      unixSocket: "/f.sock",
      apiKey: "from-file",
      timeoutMs: 8000,
      insecure: true,
      grpc: false,
    });
  });

  test("means this host's daemon when nothing is said, and takes empty texts for nothing", () => {
    expect(settingsFrom({}, { HEADSCALE_CLI_ADDRESS: " ", HEADSCALE_CLI_API_KEY: "" }, {})).toMatchObject({
      address: undefined,
      unixSocket: undefined,
      timeoutMs: 5000,
    });
  });

  test.for([
    { says: "an address without a key", file: { cli: { address: "x" } }, why: "needs an API key" },
    { says: "a list for a value", file: { cli: { address: ["x"] } }, why: "cli.address is not one value" },
    { says: "a bad timeout", file: { cli: { timeout: "soon" } }, why: "cli.timeout: not a duration" },
    { says: "a truth that is none", file: { cli: { insecure: "maybe" } }, why: "cli.insecure: neither true nor false" },
    { says: "a key with a line break", file: { cli: { api_key: "secret\nx: y" } }, why: "characters that no key has" },
  ])("refuses $says", ({ file, why }) => {
    expect(() => settingsFrom({}, {}, file)).toThrow(why);
    expect(() => settingsFrom({}, {}, file)).not.toThrow("secret");
  });

  test.for([{ cli: null }, { cli: 3 }, { cli: [] }, { unix_socket: null }])("passes over %j", (file) => {
    expect(settingsFrom({}, {}, file)).toMatchObject({ address: undefined, unixSocket: undefined });
  });
});
