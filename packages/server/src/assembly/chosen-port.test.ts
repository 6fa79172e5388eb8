import { describe, expect, test } from "vitest";
import { loadConfig } from "#config/load-config.ts";
import { withChosenPort } from "./chosen-port.ts";

const configOf = (variables: Record<string, string>) =>
  loadConfig({ workingFolder: "/nowhere", env: { HOME: "/nowhere", ...variables } }).config;

describe("withChosenPort", () => {
  test("gives port 0 a number before clients are told the URL, the same one on every address", async () => {
    const config = await withChosenPort(configOf({ HEADSCALE_LISTEN_ADDR: "127.0.0.1:0 [::1]:0" }));
    const ports = new Set(config.listen.addresses.map(({ port }) => port));
    const [port = 0] = ports;
    expect(ports.size).toBe(1);
    expect(port).toBeGreaterThan(0);
    expect(config.server.url).toBe(`http://127.0.0.1:${port}`);
  });

  test.for([
    { says: "a port that was written", variables: { HEADSCALE_LISTEN_ADDR: "127.0.0.1:8085" } },
    {
      says: "a URL that was written",
      variables: { HEADSCALE_LISTEN_ADDR: "127.0.0.1:0", HEADSCALE_SERVER_URL: "https://hs.test" },
    },
  ])("leaves $says", async ({ variables }) => {
    const config = configOf(variables);
    expect(await withChosenPort(config)).toBe(config);
  });
});
