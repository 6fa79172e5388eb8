import { describe, expect, test } from "vitest";
import { claimsOf, lacksClaims } from "./claims.ts";

const token = { iss: "https://idp.test", sub: "1" };

describe("claimsOf", () => {
  test("reads the ID token, and UserInfo before it", () => {
    const idToken = { ...token, email: "a@x.test", email_verified: true, name: "A", groups: ["one"] };
    expect(claimsOf(idToken, { name: "Alice", preferred_username: "alice", groups: ["two"] })).toEqual({
      issuer: "https://idp.test",
      subject: "1",
      email: "a@x.test",
      emailVerified: true,
      displayName: "Alice",
      username: "alice",
      picture: undefined,
      groups: ["two"],
    });
  });

  test.for([
    { value: true, verified: true },
    { value: "true", verified: true },
    { value: "TRUE", verified: true },
    { value: "1", verified: true },
    { value: false, verified: false },
    { value: "false", verified: false },
    { value: "yes", verified: false },
    { value: 1, verified: false },
    { value: {}, verified: false },
    { value: null, verified: false },
    { value: undefined, verified: false },
  ])("takes email_verified $value for $verified", ({ value, verified }) => {
    expect(claimsOf({ ...token, email: "a@x.test", email_verified: value }).emailVerified).toBe(verified);
  });

  test.for([
    {
      says: "UserInfo's unverified e-mail is not vouched for by the ID token's verified one",
      idToken: { email: "mine@x.test", email_verified: true },
      userInfo: { email: "boss@x.test" },
      email: "boss@x.test",
      verified: false,
    },
    {
      says: "a verified flag without an e-mail in UserInfo is about the ID token's",
      idToken: { email: "mine@x.test" },
      userInfo: { email_verified: true },
      email: "mine@x.test",
      verified: true,
    },
    {
      says: "the same e-mail in both is verified by either",
      idToken: { email: "mine@x.test", email_verified: true },
      userInfo: { email: "mine@x.test" },
      email: "mine@x.test",
      verified: true,
    },
    {
      says: "UserInfo may take the verification back",
      idToken: { email: "mine@x.test", email_verified: true },
      userInfo: { email: "mine@x.test", email_verified: false },
      email: "mine@x.test",
      verified: false,
    },
    { says: "a flag without an e-mail is nothing", idToken: { email_verified: true }, userInfo: {}, verified: false },
  ])("$says", ({ idToken, userInfo, email, verified }) => {
    expect(claimsOf({ ...token, ...idToken }, userInfo)).toMatchObject({ email, emailVerified: verified });
  });

  test.for([
    { groups: "one", found: ["one"] },
    { groups: ["one", 2, null, "two"], found: ["one", "two"] },
    { groups: { one: true }, found: undefined },
    { groups: 7, found: undefined },
    { groups: undefined, found: undefined },
  ])("takes the groups $groups for $found", ({ groups, found }) => {
    expect(claimsOf({ ...token, groups }).groups).toEqual(found);
  });

  test.for([{ email: 7 }, { email: ["a@x.test"] }, { email: " " }, { name: {} }, { preferred_username: true }])(
    "takes %j for absent",
    (wrong) => {
      const { email, displayName, username } = claimsOf({ ...token, ...wrong });
      expect([email, displayName, username]).toEqual([undefined, undefined, undefined]);
    },
  );
});

describe("lacksClaims", () => {
  const whole = { email: "a@x.test", email_verified: true, name: "A", preferred_username: "a", picture: "p" };
  test.for([
    { says: "whole", idToken: whole, wantsGroups: false, lacks: false },
    { says: "whole but for groups that are wanted", idToken: whole, wantsGroups: true, lacks: true },
    { says: "whole with groups", idToken: { ...whole, groups: [] }, wantsGroups: true, lacks: false },
    { says: "without a name", idToken: { ...whole, name: undefined }, wantsGroups: false, lacks: true },
    { says: "empty", idToken: {}, wantsGroups: false, lacks: true },
  ])("of an ID token that is $says: $lacks", ({ idToken, wantsGroups, lacks }) => {
    expect(lacksClaims(idToken, wantsGroups)).toBe(lacks);
  });
});
