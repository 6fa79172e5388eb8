import { PolicyError } from "@headscale/policy";
import { CowMap, defaultTailnetId, emptyWorld, type PolicyId, TailnetError, type World } from "@headscale/tailnet";
import { createTailnet } from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import { Folder } from "./folder.fixture.ts";
import { LiveLab } from "./live.fixture.ts";
import { PolicyKeeper, PolicyKeeperError, type PolicySource } from "./policy-keeper.ts";

const open = `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}`;
const closed = `{"acls": []}`;
const bad = `{"acls": [{"action": "wish"}]}`;
const failing = `{"acls": [], "tests": [{"src": "alice@", "accept": ["100.64.0.2:22"]}]}`;

const bounds = { maxBytes: 100_000, fileBytes: 100_000 };

/** Two nodes of alice's, and whether they see each other. */
async function lab(source: PolicySource = { mode: "database" }, world: World = emptyWorld) {
  const refused: string[] = [];
  const keeper = await PolicyKeeper.open({
    source,
    ...bounds,
    onLoaded: () => undefined,
    onRefused: (where, error) => refused.push(`${where}: ${String(error)}`),
  });
  const setup = await LiveLab.open({ world, policyOf: (of, tailnet) => keeper.documentOf(of, tailnet) });
  const { live } = setup;
  const alice = await setup.user("alice");
  const [a, b] = [await setup.join(alice), await setup.join(alice)];
  return {
    keeper,
    setup,
    live,
    refused,
    node: a,
    see: () => live.tailnet(defaultTailnetId).policy.canSee(a.id, b.id),
    set: (text: string, ifRevision?: number) => keeper.set(live, defaultTailnetId, text, "test", ifRevision),
    text: () => keeper.textOf(live.world, defaultTailnetId),
  };
}

describe("a policy in the database", () => {
  test("is everything allowed until one was set, and in force the moment it is", async () => {
    const { setup, see, set, text } = await lab();
    await using _live = setup;
    expect([see(), text()]).toEqual([true, undefined]);
    await set(closed);
    expect([see(), text()]).toEqual([false, closed]);
  });

  test("goes back to an older text as a new revision", async () => {
    const { setup, see, set } = await lab();
    await using _live = setup;
    const ids = [await set(open), await set(closed), await set(open)].map(({ id }) => id);
    expect([ids, see()]).toEqual([[1, 2, 3], true]);
  });

  test("allows everything again when its text is blank", async () => {
    const { setup, see, set } = await lab();
    await using _live = setup;
    await set(closed);
    await set("  \n");
    expect(see()).toBe(true);
  });

  test.for([
    { says: "does not parse", text: bad },
    { says: "is no HuJSON", text: "{" },
    { says: "fails its own tests", text: failing },
  ])("stays as it is when a new text $says", async ({ text: wrong }) => {
    const { setup, see, set, text, live } = await lab();
    await using _live = setup;
    await set(closed);
    await expect(set(wrong)).rejects.toThrow(PolicyError);
    expect([see(), text(), live.world.policies.get(defaultTailnetId)?.id]).toEqual([false, closed, 1]);
  });

  test("is not overwritten by somebody who has not seen it", async () => {
    const { setup, see, set } = await lab();
    await using _live = setup;
    const { id } = await set(open);
    await set(closed, id);
    await expect(set(open, id)).rejects.toThrow(TailnetError);
    expect(see()).toBe(false);
  });

  test("stays in force when a new one cannot be written", async () => {
    const { setup, see, set, text } = await lab();
    await using _live = setup;
    await set(closed);
    setup.store.failure = new Error("disk full");
    await expect(set(open)).rejects.toThrow("disk full");
    setup.store.failure = undefined;
    expect([see(), text()]).toEqual([false, closed]);
  });

  test("is each tailnet's own", async () => {
    const { keeper, setup, live, see } = await lab();
    await using _live = setup;
    const other = await live.execute(createTailnet("lab"), "test");
    await keeper.set(live, other.id, closed, "test");
    expect([see(), keeper.textOf(live.world, defaultTailnetId)]).toEqual([true, undefined]);
  });

  test("approves at once the routes that it approves by itself", async () => {
    const { setup, node, set } = await lab();
    await using _live = setup;
    await setup.report(node, {
      Hostname: "host",
      RoutableIPs: ["10.0.0.0/24", "192.168.0.0/24"],
    });
    await set(`{"acls": [], "autoApprovers": {"routes": {"10.0.0.0/8": ["alice@"]}}}`);
    expect(setup.node(1)?.approvedRoutes).toEqual(["10.0.0.0/24"]);
  });

  test("that was set by another daemon is in force here too", async () => {
    const changes: { text: string }[] = [];
    const keeper = await PolicyKeeper.open({
      source: { mode: "database" },
      ...bounds,
      onLoaded: () => undefined,
      onRefused: () => undefined,
    });
    const setup = await LiveLab.open({
      policyOf: (of, tailnet) => keeper.documentOf(of, tailnet),
      catchUp: async (world) =>
        changes.splice(0).map(({ text }) => ({
          subject: "policy",
          kind: "policy-set",
          tailnet: defaultTailnetId,
          id: 1 as PolicyId,
          after: { id: 1 as PolicyId, tailnet: defaultTailnetId, text, createdAt: 0 },
          revision: (world.revisions.get(defaultTailnetId) ?? 0) + 1,
          at: 0,
          actor: "elsewhere",
        })),
    });
    await using _live = setup;
    const alice = await setup.user("alice");
    const [a, b] = [await setup.join(alice), await setup.join(alice)];
    const { policy: before } = setup.live.tailnet(defaultTailnetId);
    changes.push({ text: closed });
    void setup.live.catchUp();
    await expect.poll(() => setup.live.tailnet(defaultTailnetId).policy.canSee(a.id, b.id)).toBe(false);
    expect(before.canSee(a.id, b.id)).toBe(true);
  });

  test("that no longer holds allows nothing, says so, and can be replaced", async () => {
    const broken = { id: 1 as PolicyId, tailnet: defaultTailnetId, text: bad, createdAt: 0 };
    const stored = { ...emptyWorld, policies: CowMap.from([[defaultTailnetId, broken]]) };
    const { setup, see, set, refused } = await lab({ mode: "database" }, stored);
    await using _live = setup;
    expect(see()).toBe(false);
    expect(refused).toEqual([expect.stringContaining("stored policy of tailnet 1")]);
    await set(open);
    expect(see()).toBe(true);
  });
});

describe("a policy in a file", () => {
  test("is in force from the start and cannot be set", async () => {
    using folder = new Folder();
    const { setup, see, set, text, live } = await lab({ mode: "file", path: folder.write("policy.hujson", closed) });
    await using _live = setup;
    expect([see(), text()]).toEqual([false, closed]);
    await expect(set(open)).rejects.toThrow(PolicyKeeperError);
    await expect(set(open)).rejects.toThrow("modes other than 'database'");
    expect([see(), live.world.policies.size]).toEqual([false, 0]);
  });

  test("that has no path allows everything", async () => {
    const { keeper, setup, see, text, live } = await lab({ mode: "file", path: undefined });
    await using _live = setup;
    await keeper.reload(live);
    expect([see(), text()]).toEqual([true, undefined]);
  });

  test("is only the default tailnet's: others keep theirs in the database", async () => {
    using folder = new Folder();
    const { keeper, setup, live } = await lab({ mode: "file", path: folder.write("policy.hujson", closed) });
    await using _live = setup;
    const other = await live.execute(createTailnet("lab"), "test");
    await keeper.set(live, other.id, open, "test");
    expect(keeper.textOf(live.world, other.id)).toBe(open);
  });

  test("is read again on demand and when it is replaced", async () => {
    using folder = new Folder();
    const { keeper, setup, see, live } = await lab({ mode: "file", path: folder.write("policy.hujson", closed) });
    await using _live = setup;
    using _keeper = keeper;
    folder.write("policy.hujson", open);
    await keeper.reload(live);
    expect(see()).toBe(true);
    keeper.watch(live);
    await folder.replace("policy.hujson", closed);
    await expect.poll(see, { timeout: 5000 }).toBe(false);
  });

  test.for([
    { says: "does not parse", text: bad },
    { says: "fails its own tests", text: failing },
    { says: "ends in the middle", text: closed.slice(0, -3) },
  ])("keeps the one before when the new file $says, and says where", async ({ text: wrong }) => {
    using folder = new Folder();
    const path = folder.write("policy.hujson", closed);
    const { keeper, setup, see, text, refused, live } = await lab({ mode: "file", path });
    await using _live = setup;
    folder.write("policy.hujson", wrong);
    await keeper.reload(live);
    expect([see(), text()]).toEqual([false, closed]);
    expect(refused).toEqual([expect.stringContaining(path)]);
  });

  test.for([
    { says: "does not hold", make: (folder: Folder) => folder.write("policy.hujson", bad) },
    { says: "is missing", make: (folder: Folder) => `${folder.path}/policy.hujson` },
  ])("does not let a server start open to all when it $says", async ({ make }) => {
    using folder = new Folder();
    const source = { mode: "file", path: make(folder) } as const;
    const opened = PolicyKeeper.open({
      source,
      ...bounds,
      onLoaded: () => undefined,
      onRefused: () => undefined,
    });
    await expect(opened).rejects.toThrow(PolicyKeeperError);
    await expect(opened).rejects.toThrow(source.path);
  });
});
