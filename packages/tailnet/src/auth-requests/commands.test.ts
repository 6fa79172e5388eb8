import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { deleteUser } from "#users/commands.ts";
import { type NodeId, serverScope } from "#world/ids.ts";
import { type AuthPurpose, parseAuthRequestId } from "./auth-request.ts";
import { approveRequest, completeRegistration, openAuthRequest, purgeAuthRequests, rejectRequest } from "./commands.ts";

const idOf = (n: number) => parseAuthRequestId(`hskey-authreq-${n.toString(16).padStart(24, "0")}`);
const bytes = (n: number) => new Uint8Array(32).fill(n);
const machine = (n: number, over: object = {}): AuthPurpose => ({
  kind: "register",
  machineKey: MachineKey.fromBytes(bytes(n)),
  nodeKey: NodeKey.fromBytes(bytes(n)),
  hostinfo: { Hostname: "box" },
  ephemeral: false,
  ...over,
});
const check: AuthPurpose = { kind: "ssh-check", src: 1 as NodeId, dst: 2 as NodeId, login: "root" };

function lab() {
  const server = new Server();
  const alice = server.user("alice");
  let next = 1;
  const open = (purpose: AuthPurpose) => server.run(openAuthRequest(idOf(next++), purpose)).id;
  const admit =
    (id: ReturnType<typeof open>, user = alice) =>
    () =>
      server.run(completeRegistration({ authId: id, user, method: "cli" }));
  return { server, alice, open, admit };
}

describe("parseAuthRequestId", () => {
  test.for([
    "",
    "hskey-authreq-",
    `hskey-authreq-${"a".repeat(23)}`,
    `hskey-authreq-${"a".repeat(25)}`,
    `hskey-authreq-${"A".repeat(24)}`,
    `hskey-authreq-${"g".repeat(24)}`,
    `hskey-authreq-${"a".repeat(24)}\n`,
    `../hskey-authreq-${"a".repeat(24)}`,
    "a".repeat(24),
  ])("refuses %j", (text) => {
    expect(refusalOf(() => parseAuthRequestId(text))).toBe("argument-invalid");
  });
});

describe("completeRegistration", () => {
  test("is one step: the node and the verdict", () => {
    const { server, alice, open, admit } = lab();
    const id = open(machine(1));
    const node = admit(id)();
    expect(node).toMatchObject({ owner: { kind: "user", userId: alice.id }, name: "box" });
    expect(server.lastChanges.map(({ kind }) => kind)).toEqual(["node-registered", "auth-request-accepted"]);
    expect(server.world.authRequests.get(id)).toMatchObject({ verdict: "accepted", nodeId: node.id });
  });

  test("refuses a user who was deleted between the click and the decision", () => {
    const { server, alice, open, admit } = lab();
    const id = open(machine(1));
    server.run(deleteUser(alice.id));
    expect(refusalOf(admit(id))).toBe("user-not-found");
    expect(server.world.nodes.size).toBe(0);
  });

  test("refuses an SSH check, an unknown id, and a node key that another machine took meanwhile", () => {
    const { open, admit } = lab();
    expect(refusalOf(admit(open(check)))).toBe("argument-invalid");
    expect(refusalOf(admit(idOf(0xff)))).toBe("auth-request-not-found");
    const [first, thief] = [open(machine(1)), open(machine(1, { machineKey: MachineKey.fromBytes(bytes(9)) }))];
    admit(first)();
    expect(refusalOf(admit(thief))).toBe("node-key-in-use");
  });

  test("takes a user's node on a machine where another user has one", () => {
    const { server, open, admit } = lab();
    const bob = server.user("bob");
    const first = admit(open(machine(1)))();
    const second = admit(open(machine(1, { nodeKey: NodeKey.fromBytes(bytes(2)) })), bob)();
    expect([first.id, second.id]).toEqual([1, 2]);
    expect(refusalOf(admit(open(machine(1)), bob))).toBe("node-key-in-use");
  });

  test("honours an expiry that the machine asked for, not one that is past", () => {
    const { server, open, admit } = lab();
    expect(admit(open(machine(1, { expiry: server.now + 5 })))().expiry).toBe(server.now + 5);
    expect(admit(open(machine(2, { expiry: 123_000 })))()).not.toHaveProperty("expiry");
  });

  test("gives the server's own expiry to users' nodes, and none to tagged ones", () => {
    const { server, open, admit } = lab();
    server.settings = { ...server.settings, nodeExpiryMs: 1000 };
    server.judge = { mayTag: (_user, tag) => tag === "tag:web" };
    expect(admit(open(machine(1)))().expiry).toBe(server.now + 1000);
    const tagged = admit(open(machine(2, { hostinfo: { Hostname: "x", RequestTags: ["tag:web"] } })))();
    expect(tagged).toMatchObject({ owner: { kind: "tags", tags: ["tag:web"] } });
    expect(tagged).not.toHaveProperty("expiry");
    const wrong = open(machine(3, { hostinfo: { Hostname: "x", RequestTags: ["tag:web", "tag:db"] } }));
    expect(refusalOf(admit(wrong))).toBe("tag-not-permitted");
  });
});

describe("a verdict", () => {
  test("is final", () => {
    const { server, open } = lab();
    const id = open(check);
    expect(server.run(approveRequest(id)).verdict).toBe("accepted");
    expect(refusalOf(() => server.run(rejectRequest(id)))).toBe("auth-request-not-found");
    expect(refusalOf(() => server.run(approveRequest(id)))).toBe("auth-request-not-found");
  });

  test("comes too late at the moment when the request runs out", () => {
    const { server, open } = lab();
    const id = open(check);
    server.now += server.settings.authRequestTtlMs;
    expect(refusalOf(() => server.run(approveRequest(id)))).toBe("auth-request-not-found");
  });
});

describe("purgeAuthRequests", () => {
  test("removes what has run out, and makes room", () => {
    const { server, open } = lab();
    server.settings = { ...server.settings, maxAuthRequests: 2 };
    open(machine(3));
    server.now += 1000;
    open(machine(1));
    expect(refusalOf(() => open(machine(2)))).toBe("too-many-requests");
    server.now += server.settings.authRequestTtlMs - 1000;
    expect(server.run(purgeAuthRequests)).toBe(1);
    expect(server.lastChanges).toMatchObject([{ tailnet: serverScope, kind: "auth-request-expired", id: idOf(1) }]);
    expect(refusalOf(() => open(machine(2)))).toBe("accepted");
  });
});

describe("a crowd", () => {
  test("of logins leaves room for SSH checks, and the other way round", () => {
    const { server, open } = lab();
    server.settings = { ...server.settings, maxAuthRequests: 1, maxSshChecks: 1 };
    open(machine(1));
    open(check);
    expect(refusalOf(() => open(machine(2)))).toBe("too-many-requests");
    expect(refusalOf(() => open({ ...check, dst: 3 as NodeId }))).toBe("too-many-requests");
  });

  test("of checks for one node leaves room for those of others", () => {
    const { open } = lab();
    for (let i = 0; i < 64; i++) open(check);
    expect(refusalOf(() => open(check))).toBe("too-many-requests");
    expect(refusalOf(() => open({ ...check, dst: 3 as NodeId }))).toBe("accepted");
  });

  test("does not count what has its verdict", () => {
    const { server, open } = lab();
    server.settings = { ...server.settings, maxSshChecks: 1 };
    server.run(approveRequest(open(check)));
    server.run(rejectRequest(open(check)));
    expect(refusalOf(() => open(check))).toBe("accepted");
  });
});
