import { describe, expect, test } from "vitest";
import { claimsOf } from "./claims.ts";
import { assertMaySignIn, type SignInRules } from "./may-sign-in.ts";
import { SignInError } from "./sign-in-error.ts";

const open: SignInRules = { emailVerifiedRequired: true, allowedDomains: [], allowedUsers: [], allowedGroups: [] };
const alice = { email: "alice@example.com", email_verified: true, groups: ["vpn", "staff"] };

function verdictOn(claims: object, rules: Partial<SignInRules>): string {
  try {
    assertMaySignIn(claimsOf({ iss: "i", sub: "1", ...claims }), { ...open, ...rules });
    return "yes";
  } catch (error) {
    if (error instanceof SignInError) return error.code;
    throw error;
  }
}

describe("assertMaySignIn", () => {
  test.for([
    { says: "anybody without rules", claims: {}, rules: {}, verdict: "yes" },
    { says: "an unverified e-mail that no rule asks for", claims: { email: "a@b.c" }, rules: {}, verdict: "yes" },
    { says: "the domain", claims: alice, rules: { allowedDomains: ["example.com"] }, verdict: "yes" },
    {
      says: "the domain in capitals",
      claims: { ...alice, email: "Alice@EXAMPLE.com" },
      rules: { allowedDomains: ["Example.com"] },
      verdict: "yes",
    },
    {
      says: "another domain",
      claims: alice,
      rules: { allowedDomains: ["example.net"] },
      verdict: "domain-not-allowed",
    },
    {
      says: "a domain that only ends the same",
      claims: { ...alice, email: "a@evil-example.com" },
      rules: { allowedDomains: ["example.com"] },
      verdict: "domain-not-allowed",
    },
    {
      says: "the domain before another @",
      claims: { ...alice, email: "a@example.com@evil.test" },
      rules: { allowedDomains: ["example.com"] },
      verdict: "domain-not-allowed",
    },
    {
      says: "a domain alone as e-mail",
      claims: { ...alice, email: "example.com" },
      rules: { allowedDomains: ["example.com"] },
      verdict: "domain-not-allowed",
    },
    {
      says: "no e-mail where unverified ones do",
      claims: {},
      rules: { allowedDomains: [""], emailVerifiedRequired: false },
      verdict: "domain-not-allowed",
    },
    { says: "the user", claims: alice, rules: { allowedUsers: ["bob@x.test", "alice@example.com"] }, verdict: "yes" },
    { says: "another user", claims: alice, rules: { allowedUsers: ["bob@x.test"] }, verdict: "user-not-allowed" },
    {
      says: "a look-alike of the user",
      claims: { ...alice, email: "\u212Aate@example.com" },
      rules: { allowedUsers: ["kate@example.com"] },
      verdict: "user-not-allowed",
    },
    {
      says: "no e-mail at all",
      claims: {},
      rules: { allowedUsers: [""], emailVerifiedRequired: false },
      verdict: "user-not-allowed",
    },
    {
      says: "an unverified e-mail",
      claims: { ...alice, email_verified: false },
      rules: { allowedUsers: ["alice@example.com"] },
      verdict: "email-not-verified",
    },
    {
      says: "an unverified e-mail where that does",
      claims: { email: "alice@example.com" },
      rules: { allowedUsers: ["alice@example.com"], emailVerifiedRequired: false },
      verdict: "yes",
    },
    { says: "one of the groups", claims: alice, rules: { allowedGroups: ["x", "staff"] }, verdict: "yes" },
    { says: "none of the groups", claims: alice, rules: { allowedGroups: ["x"] }, verdict: "group-not-allowed" },
    { says: "no groups", claims: {}, rules: { allowedGroups: ["x"] }, verdict: "group-not-allowed" },
    {
      says: "the group but not the domain",
      claims: alice,
      rules: { allowedGroups: ["vpn"], allowedDomains: ["x.test"] },
      verdict: "domain-not-allowed",
    },
    {
      says: "the domain but not the user",
      claims: alice,
      rules: { allowedDomains: ["example.com"], allowedUsers: ["bob@example.com"] },
      verdict: "user-not-allowed",
    },
  ])("of $says: $verdict", ({ claims, rules, verdict }) => expect(verdictOn(claims, rules)).toBe(verdict));
});
