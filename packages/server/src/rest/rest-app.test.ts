import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { AuditService } from "@headscale/gen/headscale/v1/audit_pb.ts";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { RegisterMethod } from "@headscale/gen/headscale/v1/node_pb.ts";
import { PolicyService } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { WatchService } from "@headscale/gen/headscale/v1/watch_pb.ts";
import { describe, expect, test } from "vitest";
import { createRestApp } from "./rest-app.ts";

const trusted = createContextKey(false, { description: "came in by the unix socket" });

/** A router whose services say back what they were asked, and the requests they saw. */
function echoingServer(options: { interceptors?: Interceptor[]; trust?: boolean; maxBodyBytes?: number } = {}) {
  const seen: unknown[] = [];
  const note = <T, R>(request: T, reply: R): R => {
    seen.push(request);
    return reply;
  };
  const contexts: HandlerContext[] = [];
  let watchesEnded = 0;
  const router = createConnectRouter({ interceptors: options.interceptors ?? [] });
  router.service(HeadscaleService, {
    createUser: (request) => note(request, { user: { id: 1n, name: request.name, tailnet: request.tailnet } }),
    renameUser: (request) => note(request, { user: { id: request.oldId, name: request.newName } }),
    listUsers: (request) => note(request, {}),
    getNode: (request, context) => {
      contexts.push(context);
      if (request.nodeId === 404n) throw new ConnectError("node not found", Code.NotFound);
      if (request.nodeId === 500n) throw new Error("database password is secret");
      return { node: { id: request.nodeId, registerMethod: RegisterMethod.OIDC } };
    },
    registerNode: (request) => note(request, { node: { name: request.user } }),
    expireNode: (request) => note(request, { node: { id: request.nodeId } }),
    setTags: (request) => note(request, { node: { tags: request.tags } }),
    createPreAuthKey: (request) => note(request, { preAuthKey: { key: "k" } }),
    deleteApiKey: (request) => note(request, {}),
    backfillNodeIPs: (request) => note(request, { changes: [] }),
    health: () => ({ databaseConnectivity: true }),
  });
  router.service(PolicyService, { getPolicyRevision: (request) => note(request, { revision: {} }) });
  router.service(TailnetService, {});
  router.service(AuditService, { listChanges: (request) => note(request, {}) });
  router.service(WatchService, {
    async *watch(request, { signal }) {
      note(request, undefined);
      if (request.tailnet === "gone") throw new ConnectError("no such tailnet", Code.NotFound);
      try {
        yield { revision: 1n };
        yield { revision: 2n, change: { kind: "node-registered", time: timestampFromDate(new Date(0)) } };
        if (request.tailnet === "breaks") throw new ConnectError("lost the store", Code.Unavailable);
        if (request.tailnet === "stays") await new Promise((resolve) => signal.addEventListener("abort", resolve));
      } finally {
        watchesEnded += 1;
      }
    },
  });
  const app = createRestApp({
    handlers: router.handlers,
    version: "1.2.3",
    ...(options.maxBodyBytes !== undefined && { maxBodyBytes: options.maxBodyBytes }),
    ...(options.trust && { contextValues: () => createContextValues().set(trusted, true) }),
  });
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const response = await app.request(`/api/v1${path}`, {
      method,
      headers,
      ...(text !== undefined && { body: text }),
    });
    return { response, status: response.status, json: await response.json() };
  };
  return { app, ask, seen, contexts, watchesEnded: () => watchesEnded };
}

describe("createRestApp", () => {
  test.for<{ says: string; method: string; path: string; body?: unknown; seen: object }>([
    {
      says: "a body",
      method: "POST",
      path: "/user",
      body: { name: "a", displayName: "A" },
      seen: { name: "a", displayName: "A" },
    },
    {
      says: "a body in snake_case",
      method: "POST",
      path: "/user",
      body: { display_name: "A" },
      seen: { displayName: "A" },
    },
    { says: "no body", method: "POST", path: "/user", seen: { name: "" } },
    { says: "a null body", method: "POST", path: "/user", body: "null", seen: { name: "" } },
    {
      says: "fields it does not know",
      method: "POST",
      path: "/user",
      body: { name: "a", no: 1, __proto__: 2 },
      seen: { name: "a" },
    },
    { says: "our own fields", method: "POST", path: "/user", body: { tailnet: "b" }, seen: { tailnet: "b" } },
    {
      says: "path fields",
      method: "POST",
      path: "/user/7/rename/new%2Fname",
      seen: { oldId: 7n, newName: "new/name" },
    },
    { says: "a query", method: "GET", path: "/user?name=x&unknown=1", seen: { name: "x" } },
    {
      says: "64-bit ids in a query",
      method: "GET",
      path: "/user?id=18446744073709551615",
      seen: { id: 2n ** 64n - 1n },
    },
    { says: "64-bit ids as strings", method: "POST", path: "/preauthkey", body: { user: "5" }, seen: { user: 5n } },
    { says: "64-bit ids as numbers", method: "POST", path: "/preauthkey", body: { user: 5 }, seen: { user: 5n } },
    { says: "null for absent", method: "POST", path: "/preauthkey", body: { expiration: null }, seen: { user: 0n } },
    {
      says: "query inputs beside a duplicate body",
      method: "POST",
      path: "/node/register?user=u&key=k",
      body: { user: "x", key: "k" },
      seen: { user: "u", key: "k" },
    },
    {
      says: "a form instead of a query",
      method: "POST",
      path: "/node/register",
      body: "user=u&key=k",
      seen: { user: "u", key: "k" },
    },
    {
      says: "expiring with nothing said",
      method: "POST",
      path: "/node/3/expire",
      seen: { nodeId: 3n, disableExpiry: false },
    },
    {
      says: "booleans in a query, in snake_case",
      method: "POST",
      path: "/node/3/expire?disable_expiry=true",
      seen: { disableExpiry: true },
    },
    {
      says: "an expiry in a query",
      method: "POST",
      path: "/node/3/expire?expiry=1970-01-01T00:00:09Z",
      seen: { expiry: { seconds: 9n } },
    },
    {
      says: "an expiry in a body",
      method: "POST",
      path: "/node/3/expire",
      body: { expiry: "1970-01-01T00:00:09Z" },
      seen: { expiry: { seconds: 9n } },
    },
    {
      says: "a path that a body contradicts",
      method: "POST",
      path: "/node/3/tags",
      body: { node_id: 4, tags: ["tag:a"] },
      seen: { nodeId: 3n, tags: ["tag:a"] },
    },
    { says: "path and query together", method: "DELETE", path: "/apikey/abc?id=4", seen: { prefix: "abc", id: 4n } },
    {
      says: "Go's other spelling of true",
      method: "POST",
      path: "/node/backfillips?confirmed=1",
      seen: { confirmed: true },
    },
    {
      says: "lists in a query",
      method: "GET",
      path: "/changes?kinds=node-&kinds=user-&pageSize=5",
      seen: { kinds: ["node-", "user-"], pageSize: 5 },
    },
  ])("understands $says", async ({ method, path, body, seen: expected }) => {
    const { ask, seen } = echoingServer();
    const form = typeof body === "string" && body.includes("=");
    const headers: Record<string, string> = form ? { "content-type": "application/x-www-form-urlencoded" } : {};
    expect(await ask(method, path, body, headers)).toMatchObject({ status: 200 });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject(expected);
  });

  test("answers with every field, null for what is unset", async () => {
    const { ask } = echoingServer();
    const { json } = await ask("GET", "/node/3");
    expect(json).toMatchObject({
      node: { id: "3", user: null, lastSeen: null, tags: [], online: false, registerMethod: "REGISTER_METHOD_OIDC" },
    });
    expect(await ask("GET", "/user")).toMatchObject({ json: { users: [] } });
  });

  test("prefers the fixed path to the one with a field", async () => {
    const { ask, seen } = echoingServer();
    await ask("GET", "/policy/revisions/5");
    expect(seen[0]).toMatchObject({ revision: 5n });
  });

  test.for<{ says: string; method: string; path: string; body?: string; error: object; status: number }>([
    { says: "an unknown path", method: "GET", path: "/machine", status: 404, error: { code: 5, message: "Not Found" } },
    { says: "a path with a slash too many", method: "GET", path: "/user/", status: 404, error: { code: 5 } },
    {
      says: "a verb that the path has not",
      method: "PATCH",
      path: "/user",
      status: 501,
      error: { code: 12, message: "Method Not Allowed" },
    },
    { says: "an RPC nobody serves", method: "GET", path: "/tailnet", status: 501, error: { code: 12 } },
    {
      says: "broken JSON",
      method: "POST",
      path: "/user",
      body: "{",
      status: 400,
      error: { code: 3, message: "body: not valid JSON" },
    },
    {
      says: "JSON that is no object",
      method: "POST",
      path: "/user",
      body: "[]",
      status: 400,
      error: { message: "body: expected a JSON object" },
    },
    {
      says: "a deep nest",
      method: "POST",
      path: "/user",
      body: `{"name":${"[".repeat(1e5)}${"]".repeat(1e5)}}`,
      status: 400,
      error: { message: "field name: expected string" },
    },
    {
      says: "a value of another type",
      method: "POST",
      path: "/user",
      body: '{"name":5}',
      status: 400,
      error: { message: "field name: expected string" },
    },
    {
      says: "a bad timestamp",
      method: "POST",
      path: "/node/3/expire",
      body: '{"expiry":"tomorrow"}',
      status: 400,
      error: { message: "field expiry: expected Timestamp" },
    },
    {
      says: "an expiry body cut short",
      method: "POST",
      path: "/node/3/expire",
      body: '{"expiry":',
      status: 400,
      error: { code: 3 },
    },
    {
      says: "a path id that is no number",
      method: "GET",
      path: "/node/hskey-auth-secret",
      status: 400,
      error: { message: "field nodeId: expected uint64" },
    },
    { says: "a negative id", method: "GET", path: "/node/-1", status: 400, error: { code: 3 } },
    { says: "an id over 64 bits", method: "GET", path: "/node/18446744073709551616", status: 400, error: { code: 3 } },
    {
      says: "broken percent-encoding",
      method: "GET",
      path: "/node/%E0%A4",
      status: 400,
      error: { message: "field node_id: not valid percent-encoding" },
    },
    {
      says: "a query value twice",
      method: "GET",
      path: "/user?name=a&name=b",
      status: 400,
      error: { message: "field name: given more than once" },
    },
    {
      says: "a boolean that is none",
      method: "POST",
      path: "/node/backfillips?confirmed=yes",
      status: 400,
      error: { message: "field confirmed: expected true or false" },
    },
    {
      says: "what the service does not find",
      method: "GET",
      path: "/node/404",
      status: 404,
      error: {
        code: 5,
        message: "node not found",
        details: [],
        type: "about:blank",
        title: "Not Found",
        status: 404,
        detail: "node not found",
      },
    },
    {
      says: "a fault of its own without saying its secrets",
      method: "GET",
      path: "/node/500",
      status: 500,
      error: { code: 13, message: "internal error" },
    },
  ])("refuses $says", async ({ method, path, body, status, error }) => {
    const { ask } = echoingServer();
    const reply = await ask(method, path, body);
    expect(reply).toMatchObject({ status, json: error });
    expect(reply.response.headers.get("content-type")).toBe("application/json");
    expect(JSON.stringify(reply.json)).not.toContain("secret");
  });

  test("refuses a body over the limit, whether it says its length or not", async () => {
    const { app, ask, seen } = echoingServer({ maxBodyBytes: 100 });
    const body = JSON.stringify({ name: "a".repeat(100) });
    expect(await ask("POST", "/user", body)).toMatchObject({ status: 413, json: { code: 8 } });
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(60)) });
    const init: RequestInit = { method: "POST", body: stream, ...{ duplex: "half" } };
    expect(await app.request("/api/v1/user", init)).toMatchObject({ status: 413 });
    expect(seen).toEqual([]);
  });

  test("says which verbs a path has", async () => {
    const { ask } = echoingServer();
    const { response } = await ask("DELETE", "/policy/revisions/1");
    expect(response.headers.get("allow")).toBe("GET");
  });

  test("answers HEAD like GET, without the body", async () => {
    const { app } = echoingServer();
    const response = await app.request("/api/v1/health", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("sends problem+json to those who ask for it", async () => {
    const { ask } = echoingServer();
    const { response, json } = await ask("GET", "/node/404", undefined, {
      accept: "application/problem+json, */*;q=0.1",
    });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(json).toMatchObject({ title: "Not Found", detail: "node not found", message: "node not found" });
  });

  test("leaves the credential to the services' own check", async () => {
    const check: Interceptor = (next) => (request) => {
      if (request.header.get("authorization") !== "Bearer good") {
        throw new ConnectError("API key required", Code.Unauthenticated);
      }
      return next(request);
    };
    const { ask } = echoingServer({ interceptors: [check] });
    const refused = await ask("GET", "/health");
    expect(refused).toMatchObject({
      status: 401,
      json: { code: 16, message: "API key required", title: "Unauthorized" },
    });
    expect(refused.response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await ask("GET", "/health", undefined, { authorization: "Bearer good" })).toMatchObject({
      status: 200,
      json: { databaseConnectivity: true },
    });
  });

  test("tells the services what the transport knows of the caller", async () => {
    for (const trust of [true, false]) {
      const { ask, contexts } = echoingServer({ trust });
      await ask("GET", "/node/1");
      expect(contexts[0]?.values.get(trusted)).toBe(trust);
    }
  });
});

describe("a stream over REST", () => {
  test("is one JSON object a line", async () => {
    const { app, seen } = echoingServer();
    const response = await app.request("/api/v1/watch?afterRevision=0&tailnet=a&presence=true");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { result: { change: null, revision: "1" } },
      { result: { change: { kind: "node-registered", time: "1970-01-01T00:00:00Z", detail: null }, revision: "2" } },
    ]);
    expect(seen[0]).toMatchObject({ afterRevision: 0n, tailnet: "a", presence: true });
  });

  test("that is refused at once answers with its status", async () => {
    const { ask } = echoingServer();
    expect(await ask("GET", "/watch?tailnet=gone")).toMatchObject({
      status: 404,
      json: { message: "no such tailnet" },
    });
  });

  test("that breaks says so in its last line", async () => {
    const { app } = echoingServer();
    const lines = (await (await app.request("/api/v1/watch?tailnet=breaks")).text()).trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2]!)).toMatchObject({ error: { code: 14, message: "lost the store", status: 503 } });
  });

  test("ends when its reader goes", async () => {
    const { app, watchesEnded } = echoingServer();
    const response = await app.request("/api/v1/watch?tailnet=stays");
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(watchesEnded).toBe(1);
  });

  test("ends when the request is aborted", async () => {
    const { app, watchesEnded } = echoingServer();
    const abort = new AbortController();
    const response = await app.request("/api/v1/watch?tailnet=stays", { signal: abort.signal });
    await response.body!.getReader().read();
    abort.abort();
    await expect.poll(watchesEnded).toBe(1);
  });
});

describe("the OpenAPI document", () => {
  test("describes the routes as they are", async () => {
    const { ask } = echoingServer();
    const { json } = await ask("GET", "/openapi.json");
    expect(json).toMatchObject({
      openapi: "3.1.0",
      info: { version: "1.2.3" },
      paths: {
        "/api/v1/user/{oldId}/rename/{newName}": {
          post: {
            operationId: "renameUser",
            parameters: [
              { name: "oldId", in: "path", required: true, schema: { type: "string", format: "uint64" } },
              { name: "newName", in: "path", required: true },
              { name: "tailnet", in: "query", required: false },
            ],
          },
        },
        "/api/v1/node/backfillips": { post: { summary: "Backfill node IPs" } },
      },
    });
  });

  test("refers to nothing that it does not define", async () => {
    const { app } = echoingServer();
    const text = await (await app.request("/api/v1/openapi.json")).text();
    const { schemas } = JSON.parse(text).components;
    const mentioned = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!);
    expect(mentioned.length).toBeGreaterThan(50);
    expect(mentioned.filter((name) => !(name in schemas))).toEqual([]);
    expect(schemas.Node.properties.lastSeen).toEqual({ type: ["string", "null"], format: "date-time" });
  });

  test("has a page for people", async () => {
    const { app } = echoingServer();
    const response = await app.request("/api/v1/docs");
    expect(response.headers.get("content-type")).toContain("text/html");
    const page = await response.text();
    expect(page).toContain("<code>/api/v1/user/{oldId}/rename/{newName}</code>");
    expect(page).not.toContain("<script");
  });
});
