import { describe, expect, test } from "vitest";
import { BootstrapDns } from "./bootstrap-dns.ts";
import type { EndpointRequest } from "./endpoint.ts";
import { generate204 } from "./generate-204.ts";
import { probe } from "./probe.ts";

function request(method = "GET", headers: Record<string, string> = {}, query = ""): EndpointRequest {
  return { method, header: (name) => headers[name], query: new URLSearchParams(query) };
}

describe("probe", () => {
  test.for(["GET", "HEAD"])("answers %s from any origin with nothing", (method) => {
    expect(probe(request(method))).toEqual({ status: 200, headers: { "Access-Control-Allow-Origin": "*" }, body: "" });
  });

  test.for(["POST", "PUT", "OPTIONS"])("refuses %s", (method) => {
    expect(probe(request(method))).toMatchObject({ status: 405, body: "bogus probe method\n" });
  });
});

describe("generate204", () => {
  const answer = (challenge?: string) =>
    generate204(request("GET", challenge === undefined ? {} : { "x-tailscale-challenge": challenge }));

  test("is empty and never cached", () => {
    expect(answer()).toEqual({
      status: 204,
      headers: { "Cache-Control": "no-cache, no-store, must-revalidate, no-transform, max-age=0" },
      body: "",
    });
  });

  test.for(["input", "ts_192.0.2.1", "a-b_c.d:9", "x".repeat(64)])("answers the challenge %s", (challenge) => {
    expect(answer(challenge).headers["X-Tailscale-Response"]).toBe(`response ${challenge}`);
  });

  test.for(["", " ", "foo\u0000bar", "foo bar", "a\nb", "x".repeat(65), "é", "<b>"])(
    "says nothing to %j",
    (challenge) => {
      const response = answer(challenge);
      expect(response.status).toBe(204);
      expect(response.headers).not.toHaveProperty("X-Tailscale-Response");
    },
  );
});

describe("BootstrapDns", () => {
  const hosts: Record<string, string[]> = {
    "a.test": ["192.0.2.1", "2001:db8::1"],
    "b.test": ["192.0.2.2"],
    "secret.test": ["192.0.2.9"],
    "none.test": [],
  };
  const make = async () => {
    const dns = new BootstrapDns({
      published: () => ["a.test", "b.test", "missing.test", "none.test"],
      unpublished: () => ["secret.test"],
      resolve: async (name) => {
        const found = hosts[name];
        if (found === undefined) throw new Error("no such host");
        return found;
      },
    });
    await dns.refresh();
    return (query = "") => {
      const { status, headers, body } = dns.respond(request("GET", {}, query));
      expect([status, headers]).toEqual([200, { "Content-Type": "application/json", Connection: "close" }]);
      const answer = JSON.parse(body) as Record<string, string[]>;
      return Object.fromEntries(Object.entries(answer).map(([name, found]) => [name, found.toSorted()]));
    };
  };
  const published = { "a.test": ["192.0.2.1", "2001:db8::1"], "b.test": ["192.0.2.2"] };

  test("tells all published names that have addresses, asked for or not", async () => {
    const ask = await make();
    for (const query of ["", "q=a.test", "q=other.test", "q=missing.test", "q=constructor", "q=__proto__"])
      expect(ask(query)).toEqual(published);
  });

  test("tells an unpublished name only to who asks for it", async () => {
    const ask = await make();
    expect(ask("q=secret.test")).toEqual({ "secret.test": ["192.0.2.9"] });
    expect(JSON.stringify(ask())).not.toContain("secret");
  });

  test("answers an empty object before anything was resolved", () => {
    const dns = new BootstrapDns({ published: () => ["a.test"] });
    expect(dns.respond(request()).body).toBe("{}");
  });
});
