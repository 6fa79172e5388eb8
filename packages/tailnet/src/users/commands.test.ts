import { describe, expect, test } from "vitest";
import { createAuthKey } from "#auth-keys/commands.ts";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { deleteNode, setTags } from "#nodes/commands.ts";
import { createTailnet } from "#tailnets/commands.ts";
import { defaultTailnetId, type TailnetId, type UserId } from "#world/ids.ts";
import { createUser, deleteUser, renameUser, setUserRole } from "./commands.ts";
import { displayNameOf, loginNameOf, type User } from "./user.ts";

const nobody = 99 as UserId;
const owner = (server: Server) => server.world.tailnets.get(defaultTailnetId)?.defaultOwner;

describe("createUser", () => {
  test("makes the first of a tailnet its owner, and the next ones members", () => {
    const server = new Server();
    expect(server.user("alice")).toMatchObject({ id: 1, role: "owner" });
    expect(server.user("bob")).toMatchObject({ id: 2, role: "member" });
    expect(owner(server)).toBe(1);
  });

  test.for(["al", "Alice", "alice.smith", "al1ce", "a-b_c.d", "alice@example.com", "jürgen", "松本", "x".repeat(255)])(
    "takes the name %s",
    (name) => {
      expect(refusalOf(() => new Server().user(name))).toBe("accepted");
    },
  );

  test.for([
    { says: "nothing", name: "" },
    { says: "one character", name: "a" },
    { says: "a digit first", name: "1alice" },
    { says: "a sign first", name: "@alice" },
    { says: "two at signs", name: "a@b@c" },
    { says: "a blank", name: "alice smith" },
    { says: "a slash, which would name another tailnet's user", name: "2/alice" },
    { says: "a line break", name: "alice\n" },
    { says: "a colon", name: "tag:alice" },
    { says: "256 characters", name: "x".repeat(256) },
    { says: "a megabyte", name: "x".repeat(1 << 20) },
  ])("refuses $says as a name", ({ name }) => {
    expect(refusalOf(() => new Server().user(name))).toBe("name-invalid");
  });

  test("does not repeat a whole megabyte in its refusal", () => {
    expect(() => new Server().user("!".repeat(1 << 20))).toThrow(/^.{0,300}$/s);
  });

  test("refuses a name that is taken, in this tailnet alone", () => {
    const server = new Server();
    server.user("alice");
    expect(refusalOf(() => server.user("alice"))).toBe("name-taken");
    const lab = server.run(createTailnet("lab"));
    expect(refusalOf(() => server.run(createUser({ tailnet: lab.id, name: "alice" })))).toBe("accepted");
  });

  test("refuses a tailnet that is not there", () => {
    expect(refusalOf(() => new Server().run(createUser({ tailnet: 9 as TailnetId, name: "alice" })))).toBe(
      "tailnet-not-found",
    );
  });

  test("never gives an id twice", () => {
    const server = new Server();
    server.run(deleteUser(server.user("alice").id));
    expect(server.user("alice").id).toBe(2);
  });
});

describe("renameUser", () => {
  test("frees the old name", () => {
    const server = new Server();
    const alice = server.user("alice");
    expect(server.run(renameUser(alice.id, "alicia")).name).toBe("alicia");
    expect(refusalOf(() => server.user("alice"))).toBe("accepted");
  });

  test("to the same name changes nothing", () => {
    const server = new Server();
    const alice = server.user("alice");
    server.run(renameUser(alice.id, "alice"));
    expect(server.lastChanges).toEqual([]);
  });

  test.for([
    { says: "a user that is not there", id: nobody, name: "carol", code: "user-not-found" },
    { says: "a name that is taken", id: 1 as UserId, name: "bob", code: "name-taken" },
    { says: "a name that is none", id: 1 as UserId, name: "b", code: "name-invalid" },
  ])("refuses $says", ({ id, name, code }) => {
    const server = new Server();
    server.user("alice");
    server.user("bob");
    expect(refusalOf(() => server.run(renameUser(id, name)))).toBe(code);
  });
});

describe("setUserRole", () => {
  test("gives the role, and nothing when it is held already", () => {
    const server = new Server();
    const alice = server.user("alice");
    expect(server.run(setUserRole(alice.id, "auditor")).role).toBe("auditor");
    expect(server.lastChanges.map(({ kind }) => kind)).toEqual(["user-role-set"]);
    server.run(setUserRole(alice.id, "auditor"));
    expect(server.lastChanges).toEqual([]);
  });
});

describe("deleteUser", () => {
  test("refuses while the user owns a node", () => {
    const server = new Server();
    const alice = server.user("alice");
    const node = server.join(alice);
    expect(refusalOf(() => server.run(deleteUser(alice.id)))).toBe("not-empty");
    server.run(deleteNode(node.id));
    expect(refusalOf(() => server.run(deleteUser(alice.id)))).toBe("accepted");
  });

  test("does not count nodes that went over to their tags", () => {
    const server = new Server();
    server.definedTags.add("tag:web");
    const alice = server.user("alice");
    server.run(setTags(server.join(alice).id, ["tag:web"]));
    expect(refusalOf(() => server.run(deleteUser(alice.id)))).toBe("accepted");
  });

  test("takes the user's pre-auth keys along, and no others", () => {
    const server = new Server();
    const [alice, bob] = [server.user("alice"), server.user("bob")];
    const terms = { tailnet: defaultTailnetId, hash: "h", reusable: false, ephemeral: false, tags: [] };
    const keyOf = (user: User) => server.run(createAuthKey({ ...terms, prefix: user.name, userId: user.id }));
    const [gone, kept] = [keyOf(alice), keyOf(bob)];
    server.run(deleteUser(alice.id));
    expect([server.world.authKeys.has(gone.id), server.world.authKeys.has(kept.id)]).toEqual([false, true]);
    expect(server.world.index.authKeyByPrefix.has("alice")).toBe(false);
  });

  test("hands the tailnet to the oldest user left, and to nobody without one", () => {
    const server = new Server();
    const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => server.user(name)) as [User, User, User];
    server.run(deleteUser(bob.id));
    expect(owner(server)).toBe(alice.id);
    server.run(deleteUser(alice.id));
    expect(owner(server)).toBe(carol.id);
    server.run(deleteUser(carol.id));
    expect(owner(server)).toBeUndefined();
    expect(server.user("dave").role).toBe("owner");
    expect(owner(server)).toBe(4);
  });

  test("refuses a user that is not there", () => {
    expect(refusalOf(() => new Server().run(deleteUser(nobody)))).toBe("user-not-found");
  });
});

describe("what clients show of a user", () => {
  const user = (over: Partial<User>): User => ({ ...new Server().user("alice"), ...over });

  test.for([
    { says: "the e-mail", over: { email: "a@example.com" }, login: "a@example.com", display: "a@example.com" },
    { says: "else the name", over: {}, login: "alice", display: "alice" },
    { says: "else the provider's id", over: { name: "", providerId: "iss/1" }, login: "iss/1", display: "iss/1" },
    { says: "else the number", over: { name: "" }, login: "1", display: "1" },
    { says: "a display name of its own", over: { displayName: "Alice S." }, login: "alice", display: "Alice S." },
  ])("is $says", ({ over, login, display }) => {
    expect([loginNameOf(user(over)), displayNameOf(user(over))]).toEqual([login, display]);
  });
});
