import { type ApiKey, apply, defaultTailnetId, emptyWorld, type PreAuthKey, serverScope } from "@headscale/tailnet";
import { hashSync } from "bcryptjs";
import { describe, expect, test } from "vitest";
import { PresentedKeys } from "./presented-keys.ts";
import { freshKey, sha256Of } from "./secrets.ts";

const secret = "S-_s".repeat(16);
const stored = { prefix: "aB-_56789012", hash: hashSync(secret, 4) };
const legacyApi = { prefix: "aB-_567", hash: hashSync("x".repeat(32), 4) };

const authKey: PreAuthKey = {
  ...stored,
  id: 1 as PreAuthKey["id"],
  tailnet: defaultTailnetId,
  reusable: true,
  ephemeral: false,
  used: false,
  tags: ["tag:a"],
  createdAt: 1,
};
const apiKey = (id: number, hashed: typeof stored): ApiKey => ({ ...hashed, id: id as ApiKey["id"], createdAt: 1 });

const step = { kind: "api-key-created", revision: 1, at: 1, actor: "test" } as const;
const world = [apiKey(1, stored), apiKey(2, legacyApi)].reduce(
  (before, after) => apply(before, { ...step, subject: "api-key", tailnet: serverScope, id: after.id, after }),
  apply(emptyWorld, { ...step, subject: "auth-key", tailnet: defaultTailnetId, id: authKey.id, after: authKey }),
);

const read = (kind: "auth" | "api", text: string) => new PresentedKeys(() => world).read(kind, text);

describe("PresentedKeys", () => {
  test("reads a key of our own by its SHA-256", async () => {
    const { text, hashed } = freshKey("auth");
    expect(await read("auth", ` ${text}\n`)).toEqual(hashed);
  });

  test.for([
    { says: "a pre-auth key", kind: "auth", text: `hskey-auth-${stored.prefix}-${secret}`, is: stored },
    { says: "an API key", kind: "api", text: `hskey-api-${stored.prefix}-${secret}`, is: stored },
    { says: "an API key of the old form", kind: "api", text: `${legacyApi.prefix}.${"x".repeat(32)}`, is: legacyApi },
  ] as const)("finds the hash that was taken over for $says", async ({ kind, text, is }) => {
    expect(await read(kind, text)).toEqual(is);
  });

  test("makes of a wrong secret a hash that fits nothing", async () => {
    const wrong = `${secret.slice(1)}x`;
    expect(await read("api", `hskey-api-${stored.prefix}-${wrong}`)).toEqual({
      prefix: stored.prefix,
      hash: sha256Of(wrong),
    });
  });

  test("reads a pre-auth key of the old form by its first digits", async () => {
    const text = "0123456789abcdef".repeat(3);
    expect(await read("auth", text)).toEqual({ prefix: "0123456789ab", hash: sha256Of(text) });
    expect(await read("api", text)).toBeUndefined();
  });

  test.for([
    "",
    "hskey-auth-",
    `hskey-api-${stored.prefix}-${secret}`,
    `hskey-auth-${stored.prefix}-${secret}x`,
    `hskey-auth-${stored.prefix}_${secret}`,
    `hskey-auth-${stored.prefix}-${"é".repeat(64)}`,
    "0123456789abcdef".repeat(4),
    "0123456789ABCDEF".repeat(3),
    "x".repeat(1 << 20),
  ])("takes %j for no pre-auth key", async (text) => {
    expect(await read("auth", text)).toBeUndefined();
  });
});
