import { describe, expect, test } from "vitest";
import { port80Handler } from "./port-80.ts";
import { openEdge } from "./testing/open-edge.ts";
import { RawClient } from "./testing/raw-client.ts";

const serverUrl = "https://hs.example.org/base/";

async function open(http01?: (token: string) => Promise<string | undefined>) {
  const { port } = await openEdge({ request: port80Handler({ serverUrl, ...(http01 && { http01 }) }) });
  return async (line: string, fields = "") => {
    using raw = await RawClient.connect(port);
    return await raw.say(`${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`).hearAll();
  };
}

describe("port80Handler", () => {
  test("answers the challenge it knows, and 404 to others", async () => {
    const ask = await open(async (token) => (token === "known" ? "known.thumbprint" : undefined));
    expect(await ask("GET /.well-known/acme-challenge/known")).toMatch(/^HTTP\/1.1 200 .*known\.thumbprint$/s);
    for (const token of ["unknown", "", "../../etc/passwd", "%00"])
      expect(await ask(`GET /.well-known/acme-challenge/${token}`)).toMatch(/^HTTP\/1.1 404 /);
  });

  test.for([
    { line: "GET /key?v=106", status: 302, location: "https://hs.example.org/base/key?v=106" },
    { line: "HEAD /", status: 302, location: "https://hs.example.org/base/" },
    { line: "POST /ts2021", status: 307, location: "https://hs.example.org/base/ts2021" },
    { line: "GET //evil.example/x", status: 302, location: "https://hs.example.org/base/evil.example/x" },
    { line: "GET http://evil.example/x", status: 302, location: "https://hs.example.org/base/" },
    { line: "OPTIONS *", status: 307, location: "https://hs.example.org/base/" },
    {
      line: "GET /.well-known/acme-challenge/x",
      status: 302,
      location: "https://hs.example.org/base/.well-known/acme-challenge/x",
    },
  ])("sends $line to $location", async ({ line, status, location }) => {
    const answer = await (await open())(line);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(/^location: (.*)\r$/im.exec(answer)?.[1]).toBe(location);
  });

  test("redirects an upgrade, too: the protocol is spoken at the real address", async () => {
    expect(
      await (await open())("POST /ts2021", "Connection: upgrade\r\nUpgrade: tailscale-control-protocol\r\n"),
    ).toMatch(/^HTTP\/1.1 307 /);
  });

  test("confirms that nobody is in between", async () => {
    const ask = await open();
    expect(await ask("GET /generate_204", "X-Tailscale-Challenge: ts_abc:1.2-3\r\n")).toMatch(
      /^HTTP\/1.1 204 .*x-tailscale-response: response ts_abc:1\.2-3\r/is,
    );
    for (const bad of ["a b", "a".repeat(65), "<script>"])
      expect(await ask("GET /generate_204", `X-Tailscale-Challenge: ${bad}\r\n`)).not.toMatch(/x-tailscale-response/i);
  });
});
