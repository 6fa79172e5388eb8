import { describe, expect, test } from "vitest";
import { createAuthKey } from "#auth-keys/commands.ts";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { deleteNode } from "#nodes/commands.ts";
import { userIn } from "#users/commands.ts";
import { defaultTailnetId, type TailnetId, type UserId } from "#world/ids.ts";
import { usersOf } from "#world/world.ts";
import {
  createTailnet,
  deleteTailnet,
  ensureDefaultTailnet,
  renameTailnet,
  setPolicy,
  tailnetNamed,
} from "./commands.ts";

describe("ensureDefaultTailnet", () => {
  test("makes the tailnet default once", () => {
    const server = new Server();
    expect(tailnetNamed(server.world, "")).toMatchObject({ id: 1, name: "default" });
    server.run(ensureDefaultTailnet);
    expect(server.lastChanges).toEqual([]);
  });
});

describe("createTailnet", () => {
  test.for([
    { name: "lab", user: "lab" },
    { name: "x", user: "user-x" },
    { name: "3d", user: "user-3d" },
  ])("$name comes with its owner $user", ({ name, user }) => {
    const server = new Server();
    const tailnet = server.run(createTailnet(name));
    expect(usersOf(server.world, tailnet.id)).toMatchObject([{ id: tailnet.defaultOwner, name: user, role: "owner" }]);
  });

  test.for(["", "Lab", "my lab", "-lab", "lab-", "a.b", "x".repeat(64), "läb"])("refuses %j as a name", (name) => {
    expect(refusalOf(() => new Server().run(createTailnet(name)))).toBe("name-invalid");
  });

  test.for(["default", "lab"])("refuses %s when it is taken", (name) => {
    const server = new Server();
    server.run(createTailnet("lab"));
    expect(refusalOf(() => server.run(createTailnet(name)))).toBe("name-taken");
  });
});

describe("renameTailnet", () => {
  test("moves the name", () => {
    const server = new Server();
    const { id } = server.run(createTailnet("lab"));
    server.run(renameTailnet(id, "site"));
    expect(tailnetNamed(server.world, "site").id).toBe(id);
    expect(refusalOf(() => tailnetNamed(server.world, "lab"))).toBe("tailnet-not-found");
  });

  test.for([
    { says: "the default one", id: defaultTailnetId, name: "x", code: "argument-invalid" },
    { says: "a name that is taken", id: 2 as TailnetId, name: "default", code: "name-taken" },
    { says: "a name that is none", id: 2 as TailnetId, name: "X", code: "name-invalid" },
    { says: "one that is not there", id: 9 as TailnetId, name: "x", code: "tailnet-not-found" },
  ])("refuses $says", ({ id, name, code }) => {
    const server = new Server();
    server.run(createTailnet("lab"));
    expect(refusalOf(() => server.run(renameTailnet(id, name)))).toBe(code);
  });
});

describe("deleteTailnet", () => {
  test("takes its users, keys and policy along, and nothing of others", () => {
    const server = new Server();
    const alice = server.user("alice");
    const lab = server.run(createTailnet("lab"));
    const terms = { hash: "h", reusable: false, ephemeral: false, tags: ["tag:x"] };
    server.run(createAuthKey({ ...terms, tailnet: lab.id, prefix: "lab" }));
    server.run(createAuthKey({ ...terms, tailnet: defaultTailnetId, prefix: "own" }));
    server.run(setPolicy(lab.id, "{}"));
    server.run(setPolicy(defaultTailnetId, "{}"));
    server.run(deleteTailnet(lab.id));
    const { world } = server;
    expect([...world.tailnets.keys()]).toEqual([1]);
    expect([...world.users.keys()]).toEqual([alice.id]);
    expect([...world.authKeys.values()].map(({ prefix }) => prefix)).toEqual(["own"]);
    expect([...world.policies.keys()]).toEqual([1]);
  });

  test("never gives its id again, and goes on counting its revision", () => {
    const server = new Server();
    const lab = server.run(createTailnet("lab"));
    server.run(deleteTailnet(lab.id));
    expect(server.world.revisions.get(lab.id)).toBeGreaterThan(2);
    expect(server.run(createTailnet("lab")).id).toBe(lab.id + 1);
  });

  test("refuses the default one, one with nodes and one that is not there", () => {
    const server = new Server();
    const lab = server.run(createTailnet("lab"));
    const node = server.join(userIn(server.world, lab.defaultOwner as UserId));
    expect(refusalOf(() => server.run(deleteTailnet(defaultTailnetId)))).toBe("argument-invalid");
    expect(refusalOf(() => server.run(deleteTailnet(lab.id)))).toBe("not-empty");
    server.run(deleteNode(node.id));
    server.run(deleteTailnet(lab.id));
    expect(refusalOf(() => server.run(deleteTailnet(lab.id)))).toBe("tailnet-not-found");
  });
});

describe("setPolicy", () => {
  test("puts each text in force as a revision of its own, the same text too", () => {
    const server = new Server();
    const ids = ["a", "b", "a"].map((text) => server.run(setPolicy(defaultTailnetId, text)).id);
    expect(ids).toEqual([1, 2, 3]);
    expect(server.world.policies.get(defaultTailnetId)).toMatchObject({ id: 3, text: "a" });
  });

  test("refuses to overwrite a revision that its author has not seen", () => {
    const server = new Server();
    const first = server.run(setPolicy(defaultTailnetId, "a", 0)).id;
    server.run(setPolicy(defaultTailnetId, "b", first));
    expect(refusalOf(() => server.run(setPolicy(defaultTailnetId, "c", first)))).toBe("revision-conflict");
    expect(refusalOf(() => server.run(setPolicy(defaultTailnetId, "c", 0)))).toBe("revision-conflict");
    expect(server.world.policies.get(defaultTailnetId)?.text).toBe("b");
  });

  test("refuses a tailnet that is not there", () => {
    expect(refusalOf(() => new Server().run(setPolicy(9 as TailnetId, "a")))).toBe("tailnet-not-found");
  });
});
