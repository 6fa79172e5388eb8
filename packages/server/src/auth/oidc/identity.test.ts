import { describe, expect, test } from "vitest";
import { claimsOf } from "./claims.ts";
import { identityOf } from "./identity.ts";

const said = (more: object, mustBeVerified = true) =>
  identityOf(claimsOf({ iss: "https://idp.test", sub: "1", ...more }), mustBeVerified);

describe("identityOf", () => {
  test("is the identifier alone when the provider says no more", () =>
    expect(said({})).toEqual({ providerId: "https://idp.test/1" }));

  test.for([
    { says: "verified", more: { email: "a@x.test", email_verified: true }, email: "a@x.test" },
    { says: "unverified", more: { email: "a@x.test" }, email: "" },
    { says: "unverified where that does", more: { email: "a@x.test" }, mustBeVerified: false, email: "a@x.test" },
    { says: "no address", more: { email: "a b@x", email_verified: true }, email: "" },
    { says: "written with control characters", more: { email: "a\u0000@x.test", email_verified: true }, email: "" },
    { says: "too long", more: { email: `${"a".repeat(250)}@x.test`, email_verified: true }, email: "" },
  ])("takes an e-mail that is $says for “$email”", ({ more, mustBeVerified, email }) => {
    expect(said(more, mustBeVerified).email).toBe(email);
  });

  test.for([
    { picture: "https://idp.test/1.png", kept: true },
    { picture: "data:image/svg+xml;base64,AAAA", kept: false },
    { picture: "javascript:alert(1)", kept: false },
    { picture: `https://idp.test/${"x".repeat(800)}`, kept: false },
  ])("keeps the picture $picture: $kept", ({ picture, kept }) => {
    expect(said({ picture }).profilePicUrl).toBe(kept ? picture : undefined);
  });

  test("stays small enough for a cookie whatever the provider says", () => {
    const long = "ä".repeat(5000);
    const identity = said({ name: long, preferred_username: long, email: long, picture: long, sub: "s".repeat(255) });
    expect(JSON.stringify(identity).length).toBeLessThan(1200);
    expect(identity.displayName).toMatch(/ä…$/);
  });

  test.for([
    { sub: "" },
    { sub: undefined },
    { sub: 7 },
    { sub: "a//b" },
    { sub: " 1" },
    { iss: `https://${"x".repeat(300)}` },
  ])("refuses %j", (wrong) => expect(() => said(wrong)).toThrow(expect.objectContaining({ code: "subject-unusable" })));
});
