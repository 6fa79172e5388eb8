import { describe, expect, test } from "vitest";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { createTailnet } from "#tailnets/commands.ts";
import { defaultTailnetId, type PreAuthKeyId, type UserId } from "#world/ids.ts";
import { createAuthKey, deleteAuthKey, expireAuthKey, type NewPreAuthKey, purgeRevokedAuthKeys } from "./commands.ts";
import { assertUsable, equalInConstantTime } from "./pre-auth-key.ts";

function lab() {
  const server = new Server();
  const alice = server.user("alice");
  const make = (over: Partial<NewPreAuthKey> = {}) =>
    server.run(
      createAuthKey({
        tailnet: defaultTailnetId,
        userId: alice.id,
        prefix: "aaaaaaaaaaaa",
        hash: "h",
        reusable: false,
        ephemeral: false,
        tags: [],
        ...over,
      }),
    );
  return { server, alice, make };
}

describe("createAuthKey", () => {
  test("keeps the key's terms and when it was made", () => {
    const { server, make } = lab();
    expect(make({ reusable: true, expiresAt: server.now + 5, tags: ["tag:b", "tag:a", "tag:b"] })).toMatchObject({
      id: 1,
      reusable: true,
      used: false,
      tags: ["tag:a", "tag:b"],
      expiresAt: server.now + 5,
      createdAt: server.now,
    });
  });

  test.for([
    { says: "neither user nor tags", over: { userId: undefined }, code: "argument-invalid" },
    { says: "a user that is not there", over: { userId: 99 as UserId }, code: "user-not-found" },
    { says: "a tag that is none", over: { tags: ["web"] }, code: "tag-invalid" },
    { says: "an expiry in a year that nobody can write", over: { expiresAt: 1e15 }, code: "argument-invalid" },
    { says: "an expiry before all time", over: { expiresAt: -1 }, code: "argument-invalid" },
    { says: "an expiry that is no number", over: { expiresAt: Number.NaN }, code: "argument-invalid" },
  ])("refuses $says", ({ over, code }) => {
    expect(refusalOf(() => lab().make(over as Partial<NewPreAuthKey>))).toBe(code);
  });

  test("refuses a user of another tailnet", () => {
    const { server, make } = lab();
    expect(refusalOf(() => make({ tailnet: server.run(createTailnet("lab")).id }))).toBe("user-not-found");
  });
});

describe("expireAuthKey and deleteAuthKey", () => {
  test("end a key now, or for good", () => {
    const { server, make } = lab();
    const key = make();
    expect(server.run(expireAuthKey(key.id)).expiresAt).toBe(server.now);
    server.run(deleteAuthKey(key.id));
    expect(server.world.index.authKeyByPrefix.has(key.prefix)).toBe(false);
  });

  test("leave the nodes that joined with it", () => {
    const { server, alice } = lab();
    const node = server.join(alice);
    server.run(deleteAuthKey(node.authKeyId as PreAuthKeyId));
    expect(server.node(node.id)).toEqual(node);
  });

  test.for([expireAuthKey, deleteAuthKey])("%o refuses a key that is not there", (command) => {
    expect(refusalOf(() => lab().server.run(command(9 as PreAuthKeyId)))).toBe("auth-key-not-found");
  });
});

describe("assertUsable", () => {
  const now = 1000;
  test.for([
    { says: "a fresh one", over: {}, code: "accepted" },
    { says: "a used one", over: { used: true }, code: "auth-key-used" },
    { says: "a used one that is reusable", over: { used: true, reusable: true }, code: "accepted" },
    { says: "one that ends right now", over: { expiresAt: now }, code: "auth-key-expired" },
    { says: "one that ends in a moment", over: { expiresAt: now + 1 }, code: "accepted" },
    { says: "one that is both used and expired", over: { used: true, expiresAt: 1 }, code: "auth-key-expired" },
  ])("of $says says $code", ({ over, code }) => {
    expect(refusalOf(() => assertUsable({ ...lab().make(), ...over }, now))).toBe(code);
  });
});

describe("equalInConstantTime", () => {
  test.for([
    ["", "", true],
    ["abc", "abc", true],
    ["abc", "abd", false],
    ["abc", "ab", false],
    ["ab", "abc", false],
    ["abab", "ab", false],
    ["", "a", false],
    ["a", "", false],
    ["\u0000", "", false],
  ] as const)("%j and %j: %s", ([a, b, same]) => {
    expect(equalInConstantTime(a, b)).toBe(same);
  });
});

describe("purgeRevokedAuthKeys", () => {
  test("deletes what was revoked long ago, and nothing else", () => {
    const { server, make } = lab();
    const [revoked, lately, expired] = ["a", "b", "c"].map((letter) =>
      make({ prefix: letter.repeat(12), reusable: true, expiresAt: server.now + 10 }),
    );
    if (!revoked || !lately || !expired) throw new Error("three keys were made");
    server.run(expireAuthKey(revoked.id));
    const revokedAt = server.now;
    server.now += 1000;
    server.run(expireAuthKey(lately.id));
    expect(server.run(purgeRevokedAuthKeys(revokedAt - 1))).toBe(0);
    expect(server.lastChanges).toEqual([]);
    expect(server.run(purgeRevokedAuthKeys(revokedAt))).toBe(1);
    expect(server.lastChanges).toMatchObject([{ kind: "auth-key-deleted", id: revoked.id, tailnet: defaultTailnetId }]);
    expect([...server.world.authKeys.keys()]).toEqual([lately.id, expired.id]);
    expect(server.run(purgeRevokedAuthKeys(revokedAt))).toBe(0);
  });
});
