import { describe, expect, test } from "vitest";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { serverScope } from "#world/ids.ts";
import { authenticateApiKey, createApiKey, deleteApiKey, expireApiKey } from "./commands.ts";

const secret = { prefix: "aaaaaaaaaaaa", hash: "h".repeat(64) };

describe("authenticateApiKey", () => {
  test.for([
    { says: "the right secret", presented: secret, opens: true },
    { says: "a wrong secret", presented: { ...secret, hash: "x".repeat(64) }, opens: false },
    { says: "a secret that only begins right", presented: { ...secret, hash: "h" }, opens: false },
    { says: "another prefix", presented: { ...secret, prefix: "b" }, opens: false },
  ])("to $says: $opens", ({ presented, opens }) => {
    const server = new Server();
    const key = server.run(createApiKey(secret));
    expect(authenticateApiKey(server.world, presented, server.now)).toEqual(opens ? key : undefined);
  });

  test("opens nothing from the moment of expiry on", () => {
    const server = new Server();
    server.run(createApiKey({ ...secret, expiresAt: server.now + 1 }));
    expect(authenticateApiKey(server.world, secret, server.now)).toBeDefined();
    expect(authenticateApiKey(server.world, secret, server.now + 1)).toBeUndefined();
  });

  test("opens nothing once the key was expired or deleted", () => {
    const server = new Server();
    const key = server.run(createApiKey(secret));
    server.run(expireApiKey({ prefix: key.prefix }));
    expect(authenticateApiKey(server.world, secret, server.now)).toBeUndefined();
    server.run(deleteApiKey({ id: key.id }));
    expect(server.world.apiKeys.size).toBe(0);
    expect(refusalOf(() => server.run(deleteApiKey({ id: key.id })))).toBe("api-key-not-found");
    expect(refusalOf(() => server.run(expireApiKey({ prefix: key.prefix })))).toBe("api-key-not-found");
  });
});

describe("createApiKey", () => {
  test("is the server's change, not a tailnet's", () => {
    const server = new Server();
    server.run(createApiKey(secret));
    expect(server.lastChanges).toMatchObject([{ tailnet: serverScope, revision: 1, kind: "api-key-created" }]);
  });

  test("refuses an expiry that nobody could write down", () => {
    expect(refusalOf(() => new Server().run(createApiKey({ ...secret, expiresAt: 1e16 })))).toBe("argument-invalid");
  });
});
