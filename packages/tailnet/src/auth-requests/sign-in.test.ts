import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { setTags } from "#nodes/commands.ts";
import type { ProviderIdentity } from "#users/identity.ts";
import { defaultTailnetId, type NodeId } from "#world/ids.ts";
import { type AuthPurpose, parseAuthRequestId } from "./auth-request.ts";
import { completeRegistration, openAuthRequest } from "./commands.ts";
import { approveBySignIn, nodeRenewedBy, registerBySignIn, rejectBySignIn } from "./sign-in.ts";

const bytes = (n: number) => new Uint8Array(32).fill(n);
const tailnet = defaultTailnetId;
const alice: ProviderIdentity = { providerId: "https://idp.test/1", name: "alice", email: "alice@example.com" };
const mallory: ProviderIdentity = { providerId: "https://idp.test/9", name: "alice" };

function lab() {
  const server = new Server();
  let next = 1;
  const open = (purpose: AuthPurpose) =>
    server.run(
      openAuthRequest(parseAuthRequestId(`hskey-authreq-${(next++).toString(16).padStart(24, "0")}`), purpose),
    );
  const device = (n: number, over: object = {}) =>
    open({
      kind: "register",
      machineKey: MachineKey.fromBytes(bytes(n)),
      nodeKey: NodeKey.fromBytes(bytes(n)),
      hostinfo: { Hostname: "laptop" },
      ephemeral: false,
      ...over,
    });
  const register = (n: number, identity = alice, over: object = {}) =>
    server.run(registerBySignIn({ authId: device(n, over).id, tailnet, identity }));
  const check = (src: NodeId) => open({ kind: "ssh-check", src, dst: 99 as NodeId, login: "root" }).id;
  return { server, device, register, check };
}
const anotherKey = { nodeKey: NodeKey.fromBytes(bytes(200)) };

describe("registerBySignIn", () => {
  test("is one step: the user, the node and the verdict", () => {
    const { server, register } = lab();
    const { user, node } = register(1);
    expect(node).toMatchObject({ owner: { kind: "user", userId: user.id }, registerMethod: "oidc", name: "laptop" });
    expect(server.lastChanges.map(({ kind }) => kind)).toEqual([
      "user-created",
      "tailnet-owner-set",
      "node-registered",
      "auth-request-accepted",
    ]);
  });

  test("makes no user when the device is refused", () => {
    const { server, register, device } = lab();
    const tags = { hostinfo: { RequestTags: ["tag:web"] } };
    expect(refusalOf(() => register(1, alice, tags))).toBe("tag-not-permitted");
    const authId = device(2).id;
    server.now += server.settings.authRequestTtlMs;
    expect(refusalOf(() => server.run(registerBySignIn({ authId, tailnet, identity: alice })))).toBe(
      "auth-request-not-found",
    );
    expect(server.world.users.size).toBe(0);
  });

  test("is done once", () => {
    const { server, device } = lab();
    const authId = device(1).id;
    const once = () => server.run(registerBySignIn({ authId, tailnet, identity: alice }));
    once();
    expect(refusalOf(once)).toBe("auth-request-not-found");
  });

  test("takes the expiry of the token before the server's own, and none for tags", () => {
    const { server, device } = lab();
    server.settings = { ...server.settings, nodeExpiryMs: 1000 };
    server.judge = { mayTag: () => true };
    const sign = (authId: ReturnType<typeof device>["id"], expiry?: number) =>
      server.run(registerBySignIn({ authId, tailnet, identity: alice, ...(expiry !== undefined && { expiry }) })).node;
    expect(sign(device(1).id, server.now + 7).expiry).toBe(server.now + 7);
    expect(sign(device(2).id).expiry).toBe(server.now + 1000);
    const tagged = device(3, { hostinfo: { RequestTags: ["tag:web"] } });
    expect(sign(tagged.id, server.now + 7)).not.toHaveProperty("expiry");
  });

  test("of the same user renews the node; of another makes a second one beside it", () => {
    const { register } = lab();
    const first = register(1).node;
    expect(register(1, alice, anotherKey).node).toMatchObject({ id: first.id, ipv4: first.ipv4, ...anotherKey });
    const second = register(1, mallory, { nodeKey: NodeKey.fromBytes(bytes(201)) }).node;
    expect(second.id).not.toBe(first.id);
    expect(second.ipv4).not.toBe(first.ipv4);
  });

  test("of a tagged machine without tags asked for makes it the user's", () => {
    const { server, register } = lab();
    const { node, user } = register(1);
    server.definedTags.add("tag:web");
    server.run(setTags(node.id, ["tag:web"]));
    expect(register(1, alice, anotherKey).node).toMatchObject({ id: node.id, owner: { userId: user.id } });
  });
});

describe("nodeRenewedBy", () => {
  test.for([
    { says: "the user's own node with another key", over: anotherKey, who: alice, renews: true },
    { says: "another user's node", over: anotherKey, who: mallory, renews: false },
    { says: "a node that asks for tags", over: { hostinfo: { RequestTags: ["tag:x"] } }, who: alice, renews: false },
    { says: "another machine", over: { machineKey: MachineKey.fromBytes(bytes(7)) }, who: alice, renews: false },
  ])("of $says: $renews", ({ over, who, renews }) => {
    const { server, register, device } = lab();
    register(1);
    const { user } = register(2, who);
    expect(nodeRenewedBy(server.world, device(1, over), user) !== undefined).toBe(renews);
  });

  test("is nothing for a tagged node, which would change hands, and for nobody", () => {
    const { server, register, device } = lab();
    const { node, user } = register(1);
    expect(nodeRenewedBy(server.world, device(1, anotherKey), undefined)).toBeUndefined();
    server.definedTags.add("tag:web");
    server.run(setTags(node.id, ["tag:web"]));
    expect(nodeRenewedBy(server.world, device(1, anotherKey), user)).toBeUndefined();
  });
});

describe("an SSH check", () => {
  test("is answered by the owner of its source, once", () => {
    const { server, register, check } = lab();
    const { node } = register(1);
    const [yes, no] = [check(node.id), check(node.id)];
    server.run(approveBySignIn({ authId: yes, tailnet, identity: alice }));
    server.run(rejectBySignIn({ authId: no, tailnet, identity: alice }));
    expect([yes, no].map((id) => server.world.authRequests.get(id)?.verdict)).toEqual(["accepted", "rejected"]);
    expect(refusalOf(() => server.run(approveBySignIn({ authId: yes, tailnet, identity: alice })))).toBe(
      "auth-request-not-found",
    );
  });

  test("is nobody else's to answer, and no stranger becomes a user by it", () => {
    const { server, register, check } = lab();
    const authId = check(register(1).node.id);
    const attempt = { authId, tailnet, identity: mallory };
    const refusals = () => [
      refusalOf(() => server.run(approveBySignIn(attempt))),
      refusalOf(() => server.run(rejectBySignIn(attempt))),
    ];
    expect(refusals()).toEqual(["not-the-owner", "not-the-owner"]);
    expect(server.world.users.size).toBe(1);
    register(2, mallory);
    expect(refusals()).toEqual(["not-the-owner", "not-the-owner"]);
    expect(server.world.authRequests.get(authId)?.verdict).toBe("pending");
  });

  test("of a tagged or deleted source cannot be answered by signing in", () => {
    const { server, register, check } = lab();
    const { node } = register(1);
    server.definedTags.add("tag:web");
    server.run(setTags(node.id, ["tag:web"]));
    for (const src of [node.id, 77 as NodeId]) {
      const authId = check(src);
      expect(refusalOf(() => server.run(approveBySignIn({ authId, tailnet, identity: alice })))).toBe("not-the-owner");
    }
  });

  test("of a local user's device is not answered by a namesake", () => {
    const { server, device, check } = lab();
    const local = server.user("alice");
    const { id } = server.run(completeRegistration({ authId: device(1).id, user: local, method: "cli" }));
    const authId = check(id);
    expect(refusalOf(() => server.run(approveBySignIn({ authId, tailnet, identity: alice })))).toBe("not-the-owner");
  });

  test("is no device, and a device no check", () => {
    const { server, register, check, device } = lab();
    const authId = check(register(1).node.id);
    expect(refusalOf(() => server.run(registerBySignIn({ authId, tailnet, identity: alice })))).toBe(
      "argument-invalid",
    );
    const waiting = device(5).id;
    expect(refusalOf(() => server.run(approveBySignIn({ authId: waiting, tailnet, identity: alice })))).toBe(
      "argument-invalid",
    );
  });
});
