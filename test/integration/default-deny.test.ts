import { type DescMethod, type DescMethodStreaming, type DescMethodUnary, getOption } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { http } from "@headscale/gen/google/api/annotations_pb.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminClients, protocols, tcpTransport } from "../support/admin-clients.ts";
import { contractFiles } from "../support/contract-files.ts";
import { TestDaemon } from "../support/daemon.ts";
import { ask, sayBytes } from "../support/plain-http.ts";

/**
 * All that answers without a credential, each with what proves it. Whoever adds to the server adds here, or to the
 * services, which ask every caller who he is.
 */
const publicRoutes = {
  "GET /": "the page that says how to join",
  "GET /admin": "clients print this address; leads to the page before",
  "GET /windows": "how to join with this system",
  "GET /android": "how to join with this system",
  "GET /apple": "how to join with this system",
  "GET /apple/:platform": "a profile that names this server",
  "GET /favicon.ico": "a picture",
  "GET /robots.txt": "asks search engines to stay away",
  "GET /health": "one word for monitors",
  "GET /version": "clients and user interfaces compare it",
  "GET /key": "the public key that clients pin",
  "GET /register/:authId": "how to approve a login; the id is the secret",
  "GET /auth/:authId": "how to approve a login; the id is the secret",
  "ALL /machine/ping-response": "the id is the secret",
  "POST /verify": "relays ask it; the node key is the secret",
  "ALL /verify": "says which method to ask with",
  "ALL /ts2021": "says what a proxy dropped",
  "ALL /derp": "says that it wants an upgrade",
  "ALL /derp/probe": "clients measure latency with it",
  "ALL /derp/latency-check": "clients measure latency with it",
  "ALL /generate_204": "clients look for captive portals with it",
  "ALL /bootstrap-dns": "addresses of relays, which are in public DNS",
  "GET /api/v1/openapi.json": "the contract's text",
  "GET /api/v1/docs": "the contract's text",
  "UPGRADE /ts2021": "Noise, which asks for a machine key",
} as const;

/** Behind these patterns everything is asked for a credential. */
const guardedPages = ["ALL /api/v1/*"];

const methods = (await contractFiles()).flatMap((file) => file.services.flatMap((service) => service.methods));
const procedure = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

interface RestRoute {
  readonly verb: string;
  readonly path: string;
}

const restRoutes: RestRoute[] = methods.flatMap((method) => {
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map(({ pattern }) => ({
    verb: (pattern.case ?? "").toUpperCase(),
    path: String(pattern.value),
  }));
});

let daemon: TestDaemon;
const keys = { good: "", expired: "", deleted: "", auth: "" };
beforeAll(async () => {
  daemon = await TestDaemon.start();
  const { headscale } = daemon.admin;
  keys.good = await daemon.apiKey();
  keys.expired = await daemon.apiKey();
  keys.deleted = await daemon.apiKey();
  const prefixOf = (key: string) => ({ prefix: key.split("-")[2] ?? "" });
  await headscale.expireApiKey(prefixOf(keys.expired));
  await headscale.deleteApiKey(prefixOf(keys.deleted));
  const { user } = await headscale.createUser({ name: "alice" });
  keys.auth = (await headscale.createPreAuthKey({ user: user!.id, reusable: true })).preAuthKey!.key;
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const secretOf = (key: string) => key.slice(-64);
const prefixOf = (key: string) => key.slice(0, -65);

/** What people and attackers send in place of a key. Values are made when the daemon runs. */
const refused: readonly { readonly says: string; readonly headers: () => Record<string, string> }[] = [
  { says: "nothing", headers: () => ({}) },
  { says: "an empty credential", headers: () => ({ authorization: "" }) },
  { says: "the scheme alone", headers: () => ({ authorization: "Bearer" }) },
  { says: "an unknown key", headers: () => bearer(`hskey-api-000000000000-${"0".repeat(64)}`) },
  { says: "a wrong secret", headers: () => bearer(`${prefixOf(keys.good)}-${"0".repeat(64)}`) },
  { says: "another key's secret", headers: () => bearer(`${prefixOf(keys.good)}-${secretOf(keys.expired)}`) },
  { says: "a secret cut short", headers: () => bearer(keys.good.slice(0, -1)) },
  { says: "a secret with more behind it", headers: () => bearer(`${keys.good}0`) },
  {
    says: "a secret in upper case",
    headers: () => bearer(`${prefixOf(keys.good)}-${secretOf(keys.good).toUpperCase()}`),
  },
  { says: "the prefix as lists show it", headers: () => bearer(`${prefixOf(keys.good)}-***`) },
  { says: "the secret without its prefix", headers: () => bearer(secretOf(keys.good)) },
  { says: "an expired key", headers: () => bearer(keys.expired) },
  { says: "a deleted key", headers: () => bearer(keys.deleted) },
  { says: "a pre-auth key", headers: () => bearer(keys.auth) },
  { says: "a pre-auth key dressed up", headers: () => bearer(keys.auth.replace("hskey-auth", "hskey-api")) },
  { says: "two keys in one", headers: () => bearer(`${keys.expired} ${keys.good}`) },
  { says: "the key without the scheme", headers: () => ({ authorization: keys.good }) },
  { says: "the key by another scheme", headers: () => ({ authorization: `Token ${keys.good}` }) },
  { says: "the key as a user's name", headers: () => ({ authorization: `Basic ${btoa(`${keys.good}:`)}` }) },
  { says: "the key in headers of proxies", headers: () => inOtherHeaders(`Bearer ${keys.good}`) },
  {
    says: "the key in a cookie",
    headers: () => ({ cookie: `authorization=Bearer ${keys.good}; api_key=${keys.good}` }),
  },
  { says: "the looks of this machine's socket", headers: () => looksOfSocket },
];

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

function inOtherHeaders(value: string): Record<string, string> {
  const names = ["proxy-authorization", "x-authorization", "x-forwarded-authorization", "x-original-authorization"];
  return Object.fromEntries([...names, "x-api-key", "forwarded", "www-authenticate"].map((name) => [name, value]));
}

/** What proxies add, and what somebody might hope that we take for the unix socket. */
const looksOfSocket = {
  host: "localhost",
  "x-forwarded-for": "unix:",
  "x-real-ip": "127.0.0.1",
  "true-client-ip": "::1",
  forwarded: 'for="unix:";proto=unix;by="_socket"',
  "x-forwarded-proto": "unix",
  "x-forwarded-host": "localhost",
  "x-transport": "unix",
  "x-headscale-transport": "unix",
};

/** The code that a call ends with. */
async function codeOf(transport: Transport, method: DescMethod): Promise<Code | "ok"> {
  try {
    if (method.methodKind === "unary") {
      await transport.unary(method as DescMethodUnary, undefined, 10_000, undefined, {});
    } else {
      const reply = await transport.stream(method as DescMethodStreaming, undefined, 10_000, undefined, once({}));
      for await (const _ of reply.message) break;
    }
    return "ok";
  } catch (error) {
    return ConnectError.from(error).code;
  }
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value;
}

const revisions = () => new Map(daemon.daemon.live.world.revisions);

describe("without a credential", () => {
  test("the server has exactly these doors", () => {
    const served = (door: string) => daemon.daemon.routes.filter((route) => route.door === door);
    const shown = (door: string) => served(door).map(({ method, path }) => `${method} ${path}`);
    expect(new Set(shown("rpc"))).toEqual(new Set(methods.map((method) => `POST ${procedure(method)}`)));
    expect(new Set(shown("rest"))).toEqual(new Set(restRoutes.map(({ verb, path }) => `${verb} ${path}`)));
    const open = [...shown("web"), ...served("upgrade").map(({ path }) => `UPGRADE ${path}`)];
    expect(new Set(open)).toEqual(new Set([...Object.keys(publicRoutes), ...guardedPages]));
  });

  test("every public page answers", async () => {
    const login = `hskey-authreq-${"0".repeat(24)}`;
    const paths = Object.keys(publicRoutes)
      .filter((route) => !route.startsWith("UPGRADE"))
      .map((route) => route.replace(/^ALL/, "GET").replace(":authId", login).replace(":platform", "ios").split(" "));
    for (const [method = "", path = ""] of paths) {
      const { status } = await ask(daemon.url, { method, path });
      expect([401, 403, 404], `${method} ${path}`).not.toContain(status);
    }
  });
});

describe.for(protocols)("over %s", (protocol) => {
  test("a good key opens the services", async () => {
    const { headscale, watch } = await daemon.remote({ protocol, headers: bearer(keys.good) });
    expect((await headscale.listUsers({})).users).toHaveLength(1);
    for await (const { revision } of watch.watch({})) {
      expect(revision).toBeGreaterThan(0n);
      break;
    }
  });

  test.for(refused)("no service opens to $says", async ({ headers }) => {
    const before = revisions();
    const transport = tcpTransport(daemon.url, { protocol, headers: headers() });
    const codes = await Promise.all(
      methods.map(async (method) => [procedure(method), await codeOf(transport, method)]),
    );
    expect(codes.filter(([, code]) => code !== Code.Unauthenticated)).toEqual([]);
    expect(codes.length).toBeGreaterThan(40);
    expect(revisions()).toEqual(before);
  });

  test("what is refused does not say whether the key exists", async () => {
    const messages = await Promise.all(
      refused.slice(3, 15).map(async ({ headers }) => {
        const { headscale } = adminClients(tcpTransport(daemon.url, { protocol, headers: headers() }));
        return headscale.listUsers({}).catch((error: Error) => error.message);
      }),
    );
    expect(new Set(messages).size).toBe(1);
  });
});

describe("over REST", () => {
  const concrete = (path: string) => path.replace(/\{(\w+)\}/g, "1");

  test("a good key opens the services", async () => {
    const answer = await ask(daemon.url, { path: "/api/v1/user", headers: bearer(keys.good) });
    expect(JSON.parse(answer.body)).toMatchObject({ users: [{ name: "alice" }] });
  });

  test.for(refused)("no service opens to $says", async ({ headers }) => {
    const before = revisions();
    for (const { verb: method, path } of restRoutes) {
      const asked = { method, path: concrete(path), headers: { ...headers(), "content-type": "application/json" } };
      const answer = await ask(daemon.url, { ...asked, ...(method !== "GET" && { body: "{}" }) });
      expect(answer.status, `${method} ${path}`).toBe(401);
      expect(answer.headers["www-authenticate"]).toContain("Bearer");
      expect(JSON.parse(answer.body)).toMatchObject({ code: Code.Unauthenticated, status: 401 });
    }
    expect(revisions()).toEqual(before);
  });

  test.for(["key", "api_key", "apiKey", "token", "access_token", "authorization", "bearer"])(
    "a key in the query, as %s, opens nothing",
    async (name) => {
      for (const value of [keys.good, `Bearer ${keys.good}`]) {
        const query = new URLSearchParams({ [name]: value });
        const answer = await ask(daemon.url, { path: `/api/v1/user?${query}` });
        expect(answer.status).toBe(401);
        expect(answer.body).not.toContain(secretOf(keys.good));
      }
    },
  );

  test("a stranger is not told what is wrong with a request, nor which paths there are", async () => {
    for (const path of ["/api/v1/user?id=x", "/api/v1/node/x", "/api/v1/nothing", "/api/v1/", "/api/v1/%ff"]) {
      expect((await ask(daemon.url, { path })).status, path).toBe(401);
      expect((await ask(daemon.url, { method: "POST", path, body: "{" })).status, path).toBe(401);
    }
    for (const method of ["OPTIONS", "HEAD", "PATCH", "TRACE", "PROPFIND"]) {
      expect((await ask(daemon.url, { method, path: "/api/v1/user" })).status, method).toBe(401);
    }
  });

  test.for([
    "/API/V1/user",
    "//api/v1/user",
    "/api//v1/user",
    "/api/v1//user",
    "/api/v1/./user",
    "/x/../api/v1/user",
    "/api/v1%2fuser",
    "/api/%76%31/user",
    "/api/v1/user/",
    "/api/v1/user%00",
    "/api/v1/docs/../user",
    "/api/v1/docs;/user",
    "/health/../api/v1/user",
    "http://localhost/api/v1/user",
    "/headscale.v1.HeadscaleService/ListUsers",
    "/headscale.v1.HeadscaleService/listUsers",
    "//headscale.v1.HeadscaleService/ListUsers",
    "/x/headscale.v1.HeadscaleService/ListUsers",
  ])("no spelling of a path leads past the guard: %s", async (path) => {
    for (const method of ["GET", "POST"]) {
      const answer = await ask(daemon.url, {
        method,
        path,
        headers: { "content-type": "application/json" },
        body: "{}",
      });
      expect([401, 404, 405, 415], `${method} ${answer.status}`).toContain(answer.status);
      expect(answer.body).not.toContain("alice");
    }
  });
});

describe("the log", () => {
  test("says who was refused and never with what", async () => {
    const before = daemon.log.length;
    await ask(daemon.url, { path: "/api/v1/user", headers: bearer(keys.expired) });
    await codeOf(tcpTransport(daemon.url, { headers: bearer(keys.expired) }), methods[0]!);
    const lines = daemon.log.slice(before);
    expect(lines).toEqual(Array(2).fill("warn credential refused api-key 127.0.0.1"));
    for (const key of Object.values(keys)) expect(daemon.log.join("\n")).not.toContain(secretOf(key));
  });
});

describe("the main listener", () => {
  test.for([
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/grpc.health.v1.Health/Check",
    "/grpc.channelz.v1.Channelz/GetServers",
  ])("has no %s", async (path) => {
    for (const type of ["application/grpc", "application/grpc-web", "application/json", "application/proto"]) {
      const asked = { method: "POST", path, headers: { "content-type": type, ...bearer(keys.good) } };
      expect((await ask(daemon.url, asked)).status, type).toBe(404);
    }
  });

  test("has neither metrics nor debug pages, which the listener beside it has", async () => {
    const index = await ask(daemon.metricsUrl, { path: "/debug/" });
    const pages = [...index.body.matchAll(/href="(\/(?:debug|metrics)[^"]*)"/g)].map(([, path]) => path ?? "");
    expect(pages.length).toBeGreaterThan(3);
    for (const path of [...pages, "/metrics", "/debug", "/debug/", "/debug/pprof/", "/debug/config", "/debug/vars"]) {
      expect((await ask(daemon.url, { path, headers: bearer(keys.good) })).status, path).toBe(404);
    }
  });

  test("does not upgrade its way past the guard", async () => {
    for (const upgrade of ["websocket", "derp", "tailscale-control-protocol"]) {
      const asked = { path: "/api/v1/user", headers: { connection: "upgrade", upgrade } };
      expect((await ask(daemon.url, asked)).status, upgrade).toBe(404);
    }
  });
});

describe("the metrics listener", () => {
  test("does not serve the API, and nothing to who comes through a proxy", async () => {
    for (const path of ["/api/v1/user", "/headscale.v1.HeadscaleService/ListUsers", "/version"]) {
      expect((await ask(daemon.metricsUrl, { method: "POST", path, body: "{}" })).status).toBe(404);
    }
    for (const name of ["x-forwarded-for", "forwarded"]) {
      const asked = { path: "/metrics", headers: { [name]: "127.0.0.1" } };
      expect((await ask(daemon.metricsUrl, asked)).status).toBe(403);
    }
  });
});

describe("behind proxies that are trusted", () => {
  let proxied: TestDaemon;
  beforeAll(async () => {
    const trusted = ["127.0.0.0/8"];
    proxied = await TestDaemon.start({ config: { trusted_proxies: trusted, proxy_protocol: trusted } });
  });
  afterAll(() => proxied?.[Symbol.asyncDispose]());

  const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
  const version2 = (command: number, family: number, block: readonly number[]) =>
    Buffer.from([...signature, command, family, 0, block.length, ...block]);

  test.for([
    { says: "names no source", header: "PROXY UNKNOWN\r\n" },
    { says: "names this machine", header: "PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n" },
    { says: "speaks for itself", header: version2(0x20, 0, []) },
    { says: "names a unix socket", header: version2(0x21, 0x31, Array(216).fill(0x2f)) },
    { says: "names this machine in binary", header: version2(0x21, 0x11, [127, 0, 0, 1, 127, 0, 0, 1, 0, 1, 0, 1]) },
  ])("a TCP connection whose PROXY header $says is not the unix socket", async ({ header }) => {
    const head = Object.entries({ ...looksOfSocket, connection: "close" }).map((field) => field.join(": "));
    const answer = await sayBytes(proxied.url, header, ["GET /api/v1/user HTTP/1.1", ...head, "", ""].join("\r\n"));
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });
});
