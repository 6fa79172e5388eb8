import { parsePolicy } from "@headscale/policy";
import { type AuthRequestId, defaultTailnetId, parseAuthRequestId, type World } from "@headscale/tailnet";
import { approveRequest, openAuthRequest, rejectRequest } from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import { LiveLab } from "./live.fixture.ts";
import { isApproved, type SshCheck } from "./ssh-approvals.ts";

const hour = 3_600_000;
const checked = (users = '"root", "admin"') =>
  parsePolicy(
    `{"ssh": [{"action": "check", "src": ["alice@"], "dst": ["alice@"], "users": [${users}], "checkPeriod": "8h"}]}`,
  );

async function lab() {
  const setup = await LiveLab.open();
  const alice = await setup.user("alice");
  const [src, dst] = [await setup.join(alice, { Hostname: "src" }), await setup.join(alice, { Hostname: "dst" })];
  setup.live.setPolicyDocument(defaultTailnetId, checked());
  let asked = 0;
  const check = (login = "root"): SshCheck => ({ kind: "ssh-check", src: src.id, dst: dst.id, login });
  const ask = async (what = check()): Promise<AuthRequestId> => {
    const id = parseAuthRequestId(`hskey-authreq-${(++asked).toString(16).padStart(24, "0")}`);
    await setup.live.execute(openAuthRequest(id, what), "test");
    return id;
  };
  const approve = async (what = check()) => setup.live.execute(approveRequest(await ask(what)), "test");
  const holds = (what = check(), periodMs = 8 * hour) => isApproved(setup.live, what, periodMs);
  return { setup, check, ask, approve, holds };
}

describe("an approval of an SSH check", () => {
  test("holds for the period, counted from the approval, and for that connection alone", async () => {
    const { setup, check, ask, approve, holds } = await lab();
    await using _setup = setup;
    await setup.live.execute(rejectRequest(await ask()), "test");
    expect(await holds()).toBe(false);
    await approve();
    expect(await holds()).toBe(true);
    expect(await holds(check("admin"))).toBe(false);
    expect(await holds({ ...check(), src: check().dst, dst: check().src })).toBe(false);
    setup.clock.now += 8 * hour - 1;
    expect(await holds()).toBe(true);
    expect(await holds(check(), hour)).toBe(false);
    setup.clock.now += 1;
    expect(await holds()).toBe(false);
  });

  test("is of no use under a rule that asks every time", async () => {
    const { setup, check, approve, holds } = await lab();
    await using _setup = setup;
    await approve();
    expect(await holds(check(), 0)).toBe(false);
  });

  test("outlives the login's own time, and a restart", async () => {
    const { setup, check, approve, holds } = await lab();
    await using _setup = setup;
    const { id } = await approve();
    expect(await holds()).toBe(true);
    expect(setup.live.world.authRequests.get(id)?.expiresAt).toBe(setup.clock.now + 8 * hour);
    const world: World = setup.live.world;
    await using restarted = await LiveLab.open({ world });
    expect(await isApproved(restarted.live, check(), 8 * hour)).toBe(true);
  });

  test("takes the place of the one before it", async () => {
    const { setup, approve, holds } = await lab();
    await using _setup = setup;
    for (let day = 0; day < 5; day++) {
      await approve();
      expect(await holds()).toBe(true);
      setup.clock.now += 9 * hour;
    }
    await approve();
    await holds();
    expect([...setup.live.world.authRequests.values()].filter(({ verdict }) => verdict === "accepted")).toHaveLength(1);
  });

  test("is taken back when the policy no longer has the rule, and does not come back with it", async () => {
    const { setup, check, approve, holds } = await lab();
    await using _setup = setup;
    await approve();
    await approve(check("admin"));
    expect([await holds(), await holds(check("admin"))]).toEqual([true, true]);
    setup.live.setPolicyDocument(defaultTailnetId, checked('"admin"'));
    await expect.poll(() => setup.store.changes.at(-1)?.kind).toBe("auth-request-revoked");
    setup.live.setPolicyDocument(defaultTailnetId, checked());
    expect([await holds(), await holds(check("admin"))]).toEqual([false, true]);
    expect(setup.errors).toEqual([]);
  });
});
