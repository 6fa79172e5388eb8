import { describe, expect, test } from "vitest";
import { plainPages } from "./http.ts";

describe("port 80", () => {
  const pages = plainPages("relay.test");
  const ask = (path: string, method = "GET") =>
    pages(path, {
      method,
      header: (name) => (name === "x-tailscale-challenge" ? "c" : undefined),
      query: new URLSearchParams(),
    });

  test("answers the captive-portal check itself, as a redirect would look like a portal", () => {
    expect(ask("/generate_204")).toMatchObject({ status: 204, headers: { "X-Tailscale-Response": "response c" } });
  });

  test("sends everything else to TLS, if it can be sent", () => {
    expect(ask("/derp")).toMatchObject({ status: 302, headers: { Location: "https://relay.test/derp" } });
    expect(ask("/", "HEAD").status).toBe(302);
    expect(ask("/", "POST").status).toBe(400);
  });
});
