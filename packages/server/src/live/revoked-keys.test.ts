import { defaultTailnetId } from "@headscale/tailnet";
import { createAuthKey, expireAuthKey } from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import { LiveLab } from "./live.fixture.ts";
import { RevokedKeys } from "./revoked-keys.ts";

const dayMs = 86_400_000;

async function lab() {
  const setup = await LiveLab.open();
  const made = (prefix: string) =>
    setup.live.execute(
      createAuthKey({
        tailnet: defaultTailnetId,
        prefix,
        hash: "h",
        reusable: true,
        ephemeral: false,
        tags: ["tag:ci"],
        expiresAt: setup.clock.now + 10,
      }),
      "test",
    );
  return { setup, made };
}

describe("RevokedKeys", () => {
  test("deletes a key that was revoked a week ago, not one that merely ran out", async () => {
    const { setup, made } = await lab();
    await using _setup = setup;
    const [revoked, expired] = [await made("a".repeat(12)), await made("b".repeat(12))];
    await setup.live.execute(expireAuthKey(revoked.id), "test");
    using keys = new RevokedKeys(setup.live, { retentionMs: 7 * dayMs, onError: expect.unreachable });
    setup.clock.now += 7 * dayMs - 1;
    await keys.purge();
    expect(setup.live.world.authKeys.size).toBe(2);
    setup.clock.now += 1;
    await keys.purge();
    expect([...setup.live.world.authKeys.keys()]).toEqual([expired.id]);
    expect(setup.store.changes.at(-1)).toMatchObject({ kind: "auth-key-deleted", id: revoked.id, actor: "system" });
  });

  test("tells what went wrong, and tries again later", async () => {
    const { setup, made } = await lab();
    await using _setup = setup;
    const { id } = await made("a".repeat(12));
    await setup.live.execute(expireAuthKey(id), "test");
    const failures: unknown[] = [];
    using keys = new RevokedKeys(setup.live, { retentionMs: dayMs, onError: (error) => failures.push(error) });
    setup.clock.now += 2 * dayMs;
    setup.store.failure = new Error("disk full");
    await keys.purge();
    expect(failures).toEqual([setup.store.failure]);
    setup.store.failure = undefined;
    await keys.purge();
    expect(setup.live.world.authKeys.size).toBe(0);
  });
});
