import { describe, expect, test } from "vitest";
import { providerIdOf } from "./provider-id.ts";

describe("providerIdOf", () => {
  // What the reference implementation stores for the same pair: Go 1.25, headscale f20f1f12 hscontrol/types/users.go.
  test.for([
    { iss: "https://sso.example.com", sub: "59ac9125", id: "https://sso.example.com/59ac9125" },
    { iss: "https://sso.example.com/app/o/", sub: "u", id: "https://sso.example.com/app/o/u" },
    { iss: "HTTPS://sso.example.com", sub: "u", id: "https://sso.example.com/u" },
    { iss: "https://t.auth0.com/", sub: "auth0|12", id: "https://t.auth0.com/auth0%7C12" },
    { iss: "https://sso.example.com", sub: "a/b", id: "https://sso.example.com/a/b" },
    { iss: "https://sso.example.com", sub: "o=x,u=y!(z)", id: "https://sso.example.com/o=x,u=y!(z)" },
    { iss: "https://sso.example.com", sub: "a b!", id: "https://sso.example.com/a%20b%21" },
    { iss: "https://sso.example.com", sub: "jörg", id: "https://sso.example.com/j%C3%B6rg" },
    { iss: "https://sso.example.com", sub: "..", id: "https://sso.example.com/.." },
    { iss: "accounts.google.com", sub: "1", id: "accounts.google.com/1" },
  ])("of $iss and $sub is $id", ({ iss, sub, id }) => expect(providerIdOf(iss, sub)).toBe(id));

  test.for(["", "/", "/a", "a/", "a//b", " a", "a ", "a/ b", "a\nb", "a\u0000", "\ud800", "x".repeat(256)])(
    "refuses the subject %j, which could be read as another's",
    (sub) => expect(providerIdOf("https://sso.example.com", sub)).toBeUndefined(),
  );
});
