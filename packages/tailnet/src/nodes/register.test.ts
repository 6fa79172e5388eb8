import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { createAuthKey } from "#auth-keys/commands.ts";
import type { PreAuthKey } from "#auth-keys/pre-auth-key.ts";
import { parseAuthRequestId } from "#auth-requests/auth-request.ts";
import { completeRegistration, rejectRequest } from "#auth-requests/commands.ts";
import { Server } from "#change/server.fixture.ts";
import { deleteNode, expireNode, setTags } from "#nodes/commands.ts";
import { TailnetError } from "#tailnet-error.ts";
import { createTailnet } from "#tailnets/commands.ts";
import { createUser } from "#users/commands.ts";
import { defaultTailnetId } from "#world/ids.ts";
import { isExpired, type Node } from "./node.ts";
import { register } from "./register.ts";
import type { Registrant, Registration } from "./registrant.ts";

const minute = 60_000;
const machine = (n: number) => MachineKey.fromBytes(new Uint8Array(32).fill(n));
const nodeKey = (n: number) => NodeKey.fromBytes(new Uint8Array(32).fill(n));
const authId = (n: number) => parseAuthRequestId(`hskey-authreq-${n.toString(16).padStart(24, "0")}`);
const secret = { prefix: "aaaaaaaaaaaa", hash: "h".repeat(64) };

function lab() {
  const server = new Server();
  const alice = server.run(createUser({ tailnet: defaultTailnetId, name: "alice" }));
  const bob = server.run(createUser({ tailnet: defaultTailnetId, name: "bob" }));
  const who = (over: Partial<Registrant> = {}): Registrant => ({
    machineKey: machine(1),
    nodeKey: nodeKey(1),
    hostinfo: { Hostname: "Laptop" },
    ephemeral: false,
    ...over,
  });
  let ids = 1;
  const ask = (over: Partial<Registrant> = {}): Registration => server.run(register(who(over), authId(ids++)));
  const key = (over: Partial<PreAuthKey> = {}) => {
    const prefix = `key${ids++}`.padEnd(12, "0");
    const key = server.run(
      createAuthKey({
        tailnet: defaultTailnetId,
        userId: alice.id,
        reusable: false,
        ephemeral: false,
        tags: [],
        ...secret,
        prefix,
        ...over,
      }),
    );
    return { ...key, presented: { prefix: key.prefix, hash: key.hash } };
  };
  const join = (over: Partial<Registrant> = {}): Node => {
    const outcome = ask({ authKey: key({ reusable: true }).presented, ...over });
    if (outcome.kind !== "authorized") throw new Error(`expected a node, got ${outcome.kind}`);
    return outcome.node;
  };
  return { server, alice, bob, ask, key, join };
}

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof TailnetError) return error.code;
    throw error;
  }
  return "accepted";
};

describe("register with a pre-auth key", () => {
  test("makes a node of the key's user with the first addresses and a name from the host name", () => {
    const { join, alice } = lab();
    expect(join()).toMatchObject({
      id: 1,
      name: "laptop",
      ipv4: "100.64.0.1",
      ipv6: "fd7a:115c:a1e0::1",
      owner: { kind: "user", userId: alice.id },
      registerMethod: "authkey",
    });
  });

  test("a one-off key is refused for a second machine", () => {
    const { ask, key } = lab();
    const { presented } = key();
    expect(ask({ authKey: presented }).kind).toBe("authorized");
    expect(refusal(() => ask({ authKey: presented, machineKey: machine(2), nodeKey: nodeKey(2) }))).toBe(
      "auth-key-used",
    );
  });

  test("a container that restarts with its used one-off key stays the node it was", () => {
    const { ask, key } = lab();
    const { presented } = key();
    const first = ask({ authKey: presented });
    expect(ask({ authKey: presented })).toEqual(first);
  });

  test("a used one-off key does not revive its expired node", () => {
    const { ask, key, server } = lab();
    const { presented } = key();
    ask({ authKey: presented });
    server.run(expireNode(1 as never, undefined));
    expect(refusal(() => ask({ authKey: presented }))).toBe("auth-key-used");
  });

  test("a reusable key takes an expired node back, the same one, with its new node key", () => {
    const { ask, join, key, server } = lab();
    const before = join();
    server.run(expireNode(before.id, undefined));
    const outcome = ask({ authKey: key().presented, nodeKey: nodeKey(9) });
    expect(outcome).toMatchObject({
      kind: "authorized",
      node: { id: before.id, ipv4: before.ipv4, nodeKey: nodeKey(9) },
    });
    expect(outcome.kind === "authorized" && isExpired(outcome.node, server.now)).toBe(false);
  });

  test.for([
    { says: "an expired key", over: { expiresAt: 1 }, code: "auth-key-expired" },
    { says: "a key that was never made", over: undefined, code: "auth-key-invalid" },
  ])("refuses $says", ({ over, code }) => {
    const { ask, key } = lab();
    const presented = over ? key(over).presented : { prefix: "unknown00000", hash: "x" };
    expect(refusal(() => ask({ authKey: presented }))).toBe(code);
  });

  test("refuses the right prefix with a wrong secret as if it did not exist", () => {
    const { ask, key } = lab();
    expect(refusal(() => ask({ authKey: { ...key().presented, hash: "0".repeat(64) } }))).toBe("auth-key-invalid");
  });

  test("refuses a text that cannot be a key", () => {
    expect(refusal(() => lab().ask({ authKey: "malformed" }))).toBe("auth-key-invalid");
  });

  test("refuses tags that neither the key nor its user may give", () => {
    const { ask, key } = lab();
    const hostinfo = { Hostname: "x", RequestTags: ["tag:web"] };
    expect(refusal(() => ask({ authKey: key().presented, hostinfo }))).toBe("tag-not-permitted");
  });

  test("a tagged key makes a node without user and without expiry", () => {
    const { ask, key } = lab();
    const outcome = ask({ authKey: key({ tags: ["tag:web", "tag:db"] }).presented });
    expect(outcome).toMatchObject({ node: { owner: { kind: "tags", tags: ["tag:db", "tag:web"] } } });
    expect(outcome).not.toHaveProperty("node.expiry");
  });

  test("a tagged key converts the machine's user-owned node in place", () => {
    const { ask, join, key } = lab();
    const before = join();
    const outcome = ask({ authKey: key({ tags: ["tag:web"] }).presented, nodeKey: nodeKey(2) });
    expect(outcome).toMatchObject({ node: { id: before.id, owner: { kind: "tags", tags: ["tag:web"] } } });
  });

  test("a user's key leaves a node tagged that was tagged after it joined", () => {
    const { server, ask, join, key } = lab();
    const before = join();
    server.definedTags.add("tag:web");
    server.run(setTags(before.id, ["tag:web"]));
    const outcome = ask({ authKey: key().presented, nodeKey: nodeKey(2) });
    expect(outcome).toMatchObject({ node: { id: before.id, owner: { kind: "tags", tags: ["tag:web"] } } });
  });

  test("another user's key makes another node on the same machine", () => {
    const { ask, join, key, bob } = lab();
    const before = join();
    const outcome = ask({ authKey: key({ userId: bob.id }).presented, nodeKey: nodeKey(2) });
    expect(outcome).toMatchObject({ kind: "authorized", node: { id: before.id + 1, name: "laptop-1" } });
  });

  test("asks a machine that uses one node key for two nodes to make a new one", () => {
    const { ask, join, key, bob } = lab();
    join();
    expect(ask({ authKey: key({ userId: bob.id }).presented }).kind).toBe("expired");
  });

  test("marks the key used in the same step as the node appears", () => {
    const { server, ask, key } = lab();
    ask({ authKey: key().presented });
    expect(server.lastChanges.map(({ kind }) => kind)).toEqual(["node-registered", "auth-key-used"]);
  });

  test("a key of another namespace makes a node there, out of sight of this one", () => {
    const { server, ask, join, key } = lab();
    join();
    const other = server.run(createTailnet("other"));
    const { presented } = key({ tailnet: other.id, userId: other.defaultOwner as never });
    expect(ask({ authKey: presented, nodeKey: nodeKey(2) })).toMatchObject({
      node: { tailnet: other.id, name: "laptop" },
    });
  });
});

describe("register without a key", () => {
  test("a restart changes nothing", () => {
    const { server, ask, join } = lab();
    const node = join();
    const { world } = server;
    expect(ask()).toEqual({ kind: "authorized", node });
    expect(server.world).toBe(world);
  });

  test("an unknown node gets a login, and the same one when it asks again", () => {
    const { ask } = lab();
    const first = ask();
    expect(first.kind).toBe("login");
    expect(ask()).toEqual(first);
  });

  test("an expired node is told so", () => {
    const { server, ask, join } = lab();
    server.run(expireNode(join().id, undefined));
    expect(ask().kind).toBe("expired");
  });

  test("refuses a node key that another machine holds", () => {
    const { ask, join } = lab();
    join();
    expect(refusal(() => ask({ machineKey: machine(2) }))).toBe("machine-mismatch");
  });

  test("takes an earlier expiry and refuses a later one", () => {
    const { server, ask, join } = lab();
    join();
    expect(ask({ expiry: server.now + minute })).toMatchObject({ node: { expiry: server.now + minute } });
    expect(refusal(() => ask({ expiry: server.now + 2 * minute }))).toBe("expiry-extension");
  });

  test("logs out with the client's 1970 as of now, even when the request carries a key", () => {
    const { server, ask, join, key } = lab();
    const node = join();
    expect(ask({ expiry: 123_000, authKey: key().presented }).kind).toBe("expired");
    expect(server.world.nodes.get(node.id)?.expiry).toBe(server.now);
  });

  test("logging out an ephemeral node removes it", () => {
    const { server, ask, join, key } = lab();
    const node = join({ authKey: key({ ephemeral: true, reusable: true }).presented });
    ask({ expiry: 123_000 });
    expect(server.world.nodes.has(node.id)).toBe(false);
  });

  test("a deleted node starts over", () => {
    const { server, ask, join } = lab();
    server.run(deleteNode(join().id));
    expect(ask().kind).toBe("login");
  });
});

describe("the web login", () => {
  const start = () => {
    const setup = lab();
    const login = setup.ask();
    if (login.kind !== "login") throw new Error("expected a login");
    return { ...setup, id: login.authId };
  };

  test("a follow-up waits until somebody acts", () => {
    const { ask, id } = start();
    expect(ask({ followup: id })).toEqual({ kind: "wait", authId: id });
  });

  test("its completion makes the node, and the follow-up is told", () => {
    const { server, ask, id, bob } = start();
    const node = server.run(completeRegistration({ authId: id, user: bob, method: "cli" }));
    expect(node).toMatchObject({ owner: { kind: "user", userId: bob.id }, registerMethod: "cli" });
    expect(ask({ followup: id })).toEqual({ kind: "authorized", node });
  });

  test("a machine cannot follow up another machine's login", () => {
    const { ask, id } = start();
    const outcome = ask({ followup: id, machineKey: machine(2), nodeKey: nodeKey(2) });
    expect(outcome.kind).toBe("login");
    expect(outcome).not.toMatchObject({ authId: id });
  });

  test("a rejected login says so, a forgotten one begins anew", () => {
    const { server, ask, id } = start();
    server.run(rejectRequest(id));
    expect(refusal(() => ask({ followup: id }))).toBe("auth-request-not-found");
    expect(ask({ followup: authId(0xff) }).kind).toBe("login");
  });

  test("an id works once", () => {
    const { server, id, bob } = start();
    server.run(completeRegistration({ authId: id, user: bob, method: "cli" }));
    expect(refusal(() => server.run(completeRegistration({ authId: id, user: bob, method: "cli" })))).toBe(
      "auth-request-not-found",
    );
  });

  test("an id runs out", () => {
    const { server, ask, id, bob } = start();
    server.now += 16 * minute;
    expect(refusal(() => server.run(completeRegistration({ authId: id, user: bob, method: "cli" })))).toBe(
      "auth-request-not-found",
    );
    expect(ask({ followup: id }).kind).toBe("login");
  });

  test("the same user's login re-authenticates the node in place", () => {
    const { server, ask, join, alice } = lab();
    const before = join();
    const login = ask({ nodeKey: nodeKey(5) });
    if (login.kind !== "login") throw new Error("expected a login");
    const after = server.run(completeRegistration({ authId: login.authId, user: alice, method: "cli" }));
    expect(after).toMatchObject({ id: before.id, ipv4: before.ipv4, nodeKey: nodeKey(5) });
  });

  test("takes a tagged node back to its user when no tags are asked for", () => {
    const { server, ask, key, alice } = lab();
    ask({ authKey: key({ tags: ["tag:web"] }).presented });
    const login = ask({ nodeKey: nodeKey(5) });
    if (login.kind !== "login") throw new Error("expected a login");
    const after = server.run(completeRegistration({ authId: login.authId, user: alice, method: "cli" }));
    expect(after).toMatchObject({ id: 1, owner: { kind: "user", userId: alice.id } });
  });

  test("too many waiting logins are refused, not kept", () => {
    const { server, ask } = lab();
    server.settings = { ...server.settings, maxAuthRequests: 2 };
    ask({ machineKey: machine(3), nodeKey: nodeKey(3) });
    ask({ machineKey: machine(4), nodeKey: nodeKey(4) });
    expect(refusal(() => ask({ machineKey: machine(5), nodeKey: nodeKey(5) }))).toBe("too-many-requests");
  });
});
