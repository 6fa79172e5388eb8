import {
  apply,
  type Change,
  type Circumstances,
  type Command,
  emptyWorld,
  TailnetError,
  type World,
} from "@headscale/tailnet";
import { createApiKey, createTailnet, deleteApiKey, ensureDefaultTailnet } from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import { QueueFullError, WriteQueue, type WriteQueueOptions } from "./write-queue.ts";

const given: Circumstances = {
  now: 0,
  actor: "test",
  settings: {
    prefixes: {},
    allocation: "sequential",
    nodeExpiryMs: 0,
    baseDomain: "",
    authRequestTtlMs: 1,
    maxAuthRequests: 1,
    maxSshChecks: 1,
    maxSshChecksPerNode: 1,
  },
  random: () => 0,
  policy: () => ({
    mayTag: () => false,
    isDefinedTag: () => false,
    autoApproved: () => [],
    addressPools: () => undefined,
  }),
  presence: () => ({ online: false, endpoints: [], homeDerp: 0, hostinfo: {}, capVersion: 0 }),
};
const apiKey = (prefix: string) => createApiKey({ prefix, hash: "h" });
const refuse: Command<never> = () => {
  throw new TailnetError("argument-invalid", "no");
};
const stale = Object.assign(new Error("stale"), { code: "stale-revision" });

/** A store that other writers use too; commits wait while it is held. */
class Log {
  readonly commits: string[][] = [];
  readonly elsewhere: Change[] = [];
  failures: unknown[] = [];
  #gate: Promise<void> | undefined;

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = undefined;
      resolve();
    };
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.commits.push(changes.map(({ id, kind }) => `${kind} ${id}`));
    await this.#gate;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

function lab(over: Partial<WriteQueueOptions> = {}) {
  const log = new Log();
  const announced: string[][] = [];
  const errors: string[] = [];
  const queue = new WriteQueue({
    log,
    world: emptyWorld,
    given: () => given,
    committed: (_before, _after, changes) => announced.push(changes.map(({ kind, id }) => `${kind} ${id}`)),
    onError: (what) => errors.push(what),
    catchUp: (world) =>
      Promise.resolve(log.elsewhere.filter((change) => change.revision > (world.revisions.get(change.tailnet) ?? 0))),
    maxWaiting: 100,
    ...over,
  });
  return { log, queue, announced, errors, execute: <R>(command: Command<R>) => queue.execute(command, "test") };
}

/** What another writer would have committed on the same world. */
function changesOf(world: World, command: Command<unknown>): Change[] {
  return command(world, given).effects.map((effect, i) => ({
    ...effect,
    revision: (world.revisions.get(effect.tailnet) ?? 0) + 1 + i,
    at: 0,
    actor: "other",
  }));
}

describe("WriteQueue", () => {
  test("shares one commit among the commands of a moment", async () => {
    const { log, execute } = lab();
    const keys = await Promise.all(["a", "b", "c"].map((prefix) => execute(apiKey(prefix))));
    expect(keys.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(log.commits).toEqual([["api-key-created 1", "api-key-created 2", "api-key-created 3"]]);
  });

  test("collects what comes while a commit is on its way into the next one", async () => {
    const { log, execute } = lab();
    const release = log.hold();
    const first = execute(apiKey("a"));
    await expect.poll(() => log.commits.length).toBe(1);
    const others = [execute(apiKey("b")), execute(apiKey("c"))];
    release();
    await Promise.all([first, ...others]);
    expect(log.commits).toEqual([["api-key-created 1"], ["api-key-created 2", "api-key-created 3"]]);
  });

  test("shows nothing before it is durable, and answers after it was announced", async () => {
    const { log, queue, announced, execute } = lab();
    const release = log.hold();
    const answered = execute(apiKey("a")).then(() => announced.length);
    await expect.poll(() => log.commits.length).toBe(1);
    expect([queue.world.apiKeys.size, announced.length]).toEqual([0, 0]);
    release();
    expect(await answered).toBe(1);
    expect(queue.world.apiKeys.size).toBe(1);
  });

  test("lets each command see what those before it in the batch decided", async () => {
    const { execute } = lab();
    const [first, second] = await Promise.allSettled([execute(createTailnet("lab")), execute(createTailnet("lab"))]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { code: "name-taken" } });
  });

  test("keeps one refusal from the others of its batch", async () => {
    const { log, execute } = lab();
    const outcomes = await Promise.allSettled([execute(apiKey("a")), execute(refuse), execute(apiKey("b"))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(log.commits).toEqual([["api-key-created 1", "api-key-created 2"]]);
  });

  test("does not write what changes nothing", async () => {
    const { log, announced, execute } = lab();
    await execute(ensureDefaultTailnet);
    await execute(ensureDefaultTailnet);
    expect([log.commits.length, announced.length]).toEqual([1, 1]);
  });

  test("rejects the whole batch when its commit fails, keeps the world, and goes on", async () => {
    const { log, queue, announced, execute } = lab();
    log.failures = [new Error("disk full")];
    const outcomes = await Promise.allSettled([execute(apiKey("a")), execute(apiKey("b"))]);
    expect(outcomes).toMatchObject([{ reason: { message: "disk full" } }, { reason: { message: "disk full" } }]);
    expect([queue.world, announced]).toEqual([emptyWorld, []]);
    expect((await execute(apiKey("c"))).id).toBe(1);
  });

  test("decides again on what another writer made when that one was first", async () => {
    const { log, queue, announced, execute } = lab();
    log.elsewhere.push(...changesOf(emptyWorld, apiKey("other")));
    log.failures = [stale];
    expect((await execute(apiKey("mine"))).id).toBe(2);
    expect([...queue.world.apiKeys.values()].map(({ prefix }) => prefix).sort()).toEqual(["mine", "other"]);
    expect(announced).toEqual([["api-key-created 1"], ["api-key-created 2"]]);
  });

  test("refuses a command that the other writer's change made impossible", async () => {
    const { log, execute } = lab();
    log.elsewhere.push(...changesOf(emptyWorld, createTailnet("lab")));
    log.failures = [stale];
    await expect(execute(createTailnet("lab"))).rejects.toMatchObject({ code: "name-taken" });
  });

  test.for([
    { says: "looks once more before it refuses what another writer may have made possible", isShared: true },
    { says: "has nothing to look for when there is no other writer", isShared: false },
  ])("$says", async ({ isShared }) => {
    const { log, execute } = lab({ isShared });
    log.elsewhere.push(...changesOf(emptyWorld, apiKey("other")));
    const deleted = execute(deleteApiKey({ prefix: "other" })).then(
      () => "deleted",
      ({ code }) => code,
    );
    expect(await deleted).toBe(isShared ? "deleted" : "api-key-not-found");
    await expect(execute(deleteApiKey({ prefix: "none" }))).rejects.toMatchObject({ code: "api-key-not-found" });
  });

  test("gives up a command that others overtake again and again, and goes on with the next", async () => {
    const { log, execute } = lab();
    log.failures = new Array(1000).fill(stale);
    await expect(execute(apiKey("a"))).rejects.toBe(stale);
    log.failures = [];
    expect((await execute(apiKey("b"))).id).toBe(1);
  });

  test("survives that the other writer's changes cannot be read", async () => {
    const { log, errors, execute } = lab({ catchUp: () => Promise.reject(new Error("gone")) });
    log.failures = [stale];
    await expect(execute(apiKey("a"))).rejects.toBe(stale);
    expect(errors).toEqual(["reading what another writer committed"]);
    expect((await execute(apiKey("b"))).id).toBe(1);
  });

  test("takes in another writer's changes without having any of its own, and announces them", async () => {
    const { log, queue, announced } = lab();
    log.elsewhere.push(...changesOf(emptyWorld, apiKey("other")));
    void queue.catchUp();
    await queue.idle();
    expect(queue.world).toEqual(log.elsewhere.reduce(apply, emptyWorld));
    expect(announced).toEqual([["api-key-created 1"]]);
    expect(log.commits).toEqual([]);
  });

  test("does not stop when an announcement fails: what is durable is true", async () => {
    const { queue, errors, execute } = lab({
      committed: () => {
        throw new Error("bug");
      },
    });
    expect((await execute(apiKey("a"))).id).toBe(1);
    expect((await execute(apiKey("b"))).id).toBe(2);
    expect(queue.world.apiKeys.size).toBe(2);
    expect(errors).toEqual(["announcing a change", "announcing a change"]);
  });

  test("does not stop when a command breaks", async () => {
    const { execute } = lab();
    const broken: Command<never> = () => {
      throw new RangeError("bug");
    };
    await expect(execute(broken)).rejects.toThrow(RangeError);
    expect((await execute(apiKey("a"))).id).toBe(1);
  });

  test("refuses more than may wait, until there is room", async () => {
    const { log, queue, execute } = lab({ maxWaiting: 2 });
    const release = log.hold();
    const first = execute(apiKey("a"));
    await expect.poll(() => log.commits.length).toBe(1);
    const waiting = [execute(apiKey("b")), execute(apiKey("c"))];
    expect(queue.length).toBe(2);
    await expect(execute(apiKey("d"))).rejects.toThrow(QueueFullError);
    release();
    await Promise.all([first, ...waiting]);
    expect((await execute(apiKey("e"))).id).toBe(4);
  });

  test("is idle once nothing is being written", async () => {
    const { log, queue, execute } = lab();
    await queue.idle();
    const all = Promise.all([execute(apiKey("a")), execute(apiKey("b"))]);
    await queue.idle();
    expect(log.commits).toHaveLength(1);
    await all;
  });
});
