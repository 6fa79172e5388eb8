import { describe, expect, test } from "vitest";
import { createApiKey } from "#api-keys/commands.ts";
import { createTailnet } from "#tailnets/commands.ts";
import { serverScope } from "#world/ids.ts";
import { Server } from "./server.fixture.ts";

describe("decide", () => {
  test("numbers several effects of one command one after the other, says when and by whom", () => {
    const server = new Server();
    server.run(createTailnet("lab"));
    expect(server.lastChanges).toMatchObject([
      { kind: "tailnet-created", revision: 1, tailnet: 2, at: server.now, actor: "test" },
      { kind: "user-created", revision: 2, tailnet: 2 },
      { kind: "tailnet-owner-set", revision: 3, tailnet: 2 },
    ]);
  });

  test("counts each tailnet by itself, and what belongs to none by itself too", () => {
    const server = new Server();
    server.run(createTailnet("lab"));
    server.run(createApiKey({ prefix: "a", hash: "h" }));
    expect(Object.fromEntries(server.world.revisions)).toEqual({ 1: 1, 2: 3, [serverScope]: 1 });
  });
});
