import { createHmac, createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bindExternalAccount, keyAuthorization, publicJwk, signJws } from "./jws.ts";
import { generateKey } from "./x509.ts";

const decoded = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());

describe("signJws", () => {
  const key = generateKey();

  test("signs header and payload with ES256", () => {
    const jws = signJws(key, { nonce: "n", url: "https://a/o", kid: "https://a/1" }, { identifiers: [] });
    expect(decoded(jws.protected)).toEqual({ alg: "ES256", nonce: "n", url: "https://a/o", kid: "https://a/1" });
    expect(decoded(jws.payload)).toEqual({ identifiers: [] });
    const signature = Buffer.from(jws.signature, "base64url");
    expect(signature).toHaveLength(64);
    const signer = { key: createPublicKey(key), dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from(`${jws.protected}.${jws.payload}`), signer, signature)).toBe(true);
  });

  test("leaves the payload of a POST-as-GET empty", () => {
    expect(signJws(key, {}).payload).toBe("");
  });
});

describe("bindExternalAccount", () => {
  test("signs the account's public key with the customer's MAC key", () => {
    const key = generateKey();
    const hmacKey = Buffer.from("a customer's secret").toString("base64url");
    const jws = bindExternalAccount({ kid: "customer 7", hmacKey }, "https://a/new-account", key);
    expect(decoded(jws.protected)).toEqual({ alg: "HS256", kid: "customer 7", url: "https://a/new-account" });
    expect(decoded(jws.payload)).toEqual(publicJwk(key));
    const mac = createHmac("sha256", "a customer's secret").update(`${jws.protected}.${jws.payload}`);
    expect(jws.signature).toBe(mac.digest("base64url"));
  });
});

describe("keyAuthorization", () => {
  test("is the token and a 32-byte thumbprint, the same every time", () => {
    const key = generateKey();
    expect(keyAuthorization(key, "token")).toMatch(/^token\.[A-Za-z0-9_-]{43}$/);
    expect(keyAuthorization(key, "token")).toBe(keyAuthorization(key, "token"));
  });
});
