import { fc, test as prop } from "@fast-check/vitest";
import { parsePrefix } from "@headscale/netip";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect } from "vitest";
import { isReserved } from "#addresses/allocate.ts";
import { backfillAddresses } from "#addresses/backfill.ts";
import { createApiKey, deleteApiKey } from "#api-keys/commands.ts";
import { createAuthKey, deleteAuthKey } from "#auth-keys/commands.ts";
import { parseAuthRequestId } from "#auth-requests/auth-request.ts";
import { completeRegistration, purgeAuthRequests } from "#auth-requests/commands.ts";
import { registerBySignIn } from "#auth-requests/sign-in.ts";
import { isLabel } from "#names/hostname.ts";
import { deleteNode, expireNode, renameNode, reportHostinfo, setApprovedRoutes, setTags } from "#nodes/commands.ts";
import { addressesOf } from "#nodes/node.ts";
import { register } from "#nodes/register.ts";
import { TailnetError } from "#tailnet-error.ts";
import { createTailnet, deleteTailnet, renameTailnet, setPolicy } from "#tailnets/commands.ts";
import { createUser, deleteUser, renameUser } from "#users/commands.ts";
import { indexesOf, keptIndexes } from "#world/indexes.fixture.ts";
import type { World } from "#world/world.ts";
import { worldFromRows } from "#world/world-from-rows.ts";
import type { Change } from "./change.ts";
import type { Command } from "./decide.ts";
import { Server } from "./server.fixture.ts";

const kinds = [
  "user",
  "rename-user",
  "delete-user",
  "tailnet",
  "rename-tailnet",
  "delete-tailnet",
  "auth-key",
  "delete-auth-key",
  "api-key",
  "delete-api-key",
  "join",
  "login",
  "complete",
  "sign-in",
  "rename",
  "report",
  "tag",
  "routes",
  "expire",
  "delete",
  "policy",
  "readdress",
  "wait",
] as const;
/** Numbers are taken modulo what there is. */
const step = fc.record({
  kind: fc.constantFrom(...kinds, "join", "join", "join", "user"),
  which: fc.nat(40),
  other: fc.nat(40),
  name: fc.constantFrom("web", "db", "alice", "bob", "x-1", "Joe's Mac", ""),
  flag: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const bytes = (n: number) => new Uint8Array(32).fill(n + 1);
const authId = (n: number) => parseAuthRequestId(`hskey-authreq-${n.toString(16).padStart(24, "0")}`);
const small = { v4: parsePrefix("10.0.0.0/28"), v6: parsePrefix("fd7a::/124") };

/** Runs steps, refusals included, and keeps the history that a store would. */
class Story {
  readonly server = new Server();
  readonly history: Change[] = [];
  readonly ids = new Set<string>();
  #fresh = 1;

  constructor() {
    this.server.settings = { ...this.server.settings, prefixes: small, maxAuthRequests: 4, maxSshChecks: 4 };
    this.server.definedTags.add("tag:web");
    this.history.push(...this.server.lastChanges);
  }

  take(step: Step): void {
    const command = this.#commandOf(step);
    if (!command) return;
    const before = this.server.world;
    try {
      this.server.run(command);
    } catch (error) {
      if (!(error instanceof TailnetError)) throw error;
      expect(this.server.world).toBe(before);
      return;
    }
    this.history.push(...this.server.lastChanges);
  }

  #commandOf({ kind, which, other, name, flag }: Step): Command<unknown> | undefined {
    const { world } = this.server;
    const pick = <T>(list: Iterable<T>, n: number): T | undefined => {
      const all = [...list];
      return all[n % Math.max(1, all.length)];
    };
    const user = pick(world.users.values(), which);
    const node = pick(world.nodes.values(), which);
    const tailnet = pick(world.tailnets.values(), other);
    const authKey = pick(world.authKeys.values(), other);
    const apiKey = pick(world.apiKeys.values(), which);
    const login = pick(world.authRequests.values(), other);
    const secret = { prefix: `p${this.#fresh++}`, hash: "h" };
    const machine = which % 5;
    const who = {
      machineKey: MachineKey.fromBytes(bytes(machine)),
      nodeKey: NodeKey.fromBytes(bytes(machine * 8 + (other % 3))),
      hostinfo: { Hostname: name },
      ephemeral: flag,
    };
    const commands: Record<(typeof kinds)[number], () => Command<unknown> | undefined> = {
      user: () => tailnet && createUser({ tailnet: tailnet.id, name: flag ? name : `u${secret.prefix}` }),
      "rename-user": () => user && renameUser(user.id, name),
      "delete-user": () => user && deleteUser(user.id),
      tailnet: () => createTailnet(name),
      "rename-tailnet": () => tailnet && renameTailnet(tailnet.id, name),
      "delete-tailnet": () => tailnet && deleteTailnet(tailnet.id),
      "auth-key": () =>
        user &&
        createAuthKey({
          ...secret,
          tailnet: user.tailnet,
          userId: user.id,
          reusable: flag,
          ephemeral: false,
          tags: other % 4 === 0 ? ["tag:web"] : [],
        }),
      "delete-auth-key": () => authKey && deleteAuthKey(authKey.id),
      "api-key": () => createApiKey(secret),
      "delete-api-key": () => apiKey && deleteApiKey({ id: apiKey.id }),
      join: () => authKey && register({ ...who, authKey }, authId(this.#fresh)),
      login: () => register(who, authId(this.#fresh)),
      complete: () => login && user && completeRegistration({ authId: login.id, user, method: "cli" }),
      "sign-in": () => {
        const identity = {
          providerId: `https://idp.test/${which % 3}`,
          name,
          ...(flag && { email: `${name}@x.test` }),
        };
        return login && tailnet && registerBySignIn({ authId: login.id, tailnet: tailnet.id, identity });
      },
      rename: () => node && renameNode(node.id, name),
      report: () => node && reportHostinfo(node.id, who.hostinfo),
      tag: () => node && setTags(node.id, ["tag:web"]),
      routes: () => node && setApprovedRoutes(node.id, flag ? [parsePrefix("10.0.0.0/24")] : []),
      expire: () => node && expireNode(node.id, flag ? undefined : this.server.now + 1000),
      delete: () => node && deleteNode(node.id),
      policy: () => tailnet && setPolicy(tailnet.id, name),
      readdress: () => {
        this.server.settings = { ...this.server.settings, prefixes: flag ? small : { v6: small.v6 } };
        return backfillAddresses(world.tailnets.keys());
      },
      wait: () => {
        this.server.now += 600_000;
        return purgeAuthRequests;
      },
    };
    return commands[kind]();
  }
}

const rowsOf = (world: World, order: <T>(list: readonly T[]) => readonly T[]) => ({
  tailnets: order([...world.tailnets.values()]),
  users: order([...world.users.values()]),
  nodes: order([...world.nodes.values()]),
  authKeys: order([...world.authKeys.values()]),
  apiKeys: order([...world.apiKeys.values()]),
  authRequests: order([...world.authRequests.values()]),
  policies: order([...world.policies.values()]),
  revisions: [...world.revisions],
  sequences: world.sequences,
});
const plain = (world: World) => ({
  ...Object.fromEntries(
    (["tailnets", "revisions", "users", "nodes", "authKeys", "apiKeys", "authRequests", "policies"] as const).map(
      (name) => [name, new Map<unknown, unknown>(world[name])],
    ),
  ),
  sequences: world.sequences,
});

describe("any sequence of commands", () => {
  const stories = fc.array(step, { minLength: 10, maxLength: 80 });

  prop.prop([stories], { numRuns: 150 })("keeps the indexes that its rows would give", (steps) => {
    const story = new Story();
    for (const one of steps) {
      story.take(one);
      expect(keptIndexes(story.server.world.index)).toEqual(indexesOf(story.server.world));
    }
  });

  prop.prop([stories], { numRuns: 150 })(
    "gives out names, addresses and keys once, and labels that are labels",
    (steps) => {
      const story = new Story();
      for (const one of steps) story.take(one);
      const { world } = story.server;
      const nodes = [...world.nodes.values()];
      const once = (list: readonly string[]) => expect(new Set(list).size).toBe(list.length);
      once(nodes.flatMap(addressesOf));
      once(nodes.map(({ tailnet, name }) => `${tailnet}/${name}`));
      once(nodes.map(({ nodeKey }) => nodeKey));
      const users = [...world.users.values()];
      once(users.map(({ tailnet, providerId, name }) => `${tailnet}/${providerId || name}`));
      for (const node of nodes) {
        expect(isLabel(node.name)).toBe(true);
        expect(addressesOf(node).some(isReserved)).toBe(false);
        expect(world.tailnets.has(node.tailnet)).toBe(true);
        if (node.owner.kind === "user") expect(world.users.get(node.owner.userId)?.tailnet).toBe(node.tailnet);
        else expect(node.owner.tags.length).toBeGreaterThan(0);
      }
      for (const { defaultOwner, id } of world.tailnets.values()) {
        const members = [...world.users.values()].filter(({ tailnet }) => tailnet === id);
        expect(defaultOwner === undefined).toBe(members.length === 0);
        if (defaultOwner !== undefined) expect(world.users.get(defaultOwner)?.tailnet).toBe(id);
      }
    },
  );

  prop.prop([stories], { numRuns: 100 })(
    "numbers the changes of each tailnet without a gap, and no id comes twice",
    (steps) => {
      const story = new Story();
      for (const one of steps) story.take(one);
      const made = new Set<string>();
      for (const [tailnet, changes] of Map.groupBy(story.history, (change) => change.tailnet)) {
        expect(changes.map(({ revision }) => revision)).toEqual(changes.map((_, i) => i + 1));
        expect(story.server.world.revisions.get(tailnet)).toBe(changes.length);
      }
      for (const { kind, subject, id } of story.history) {
        if (!/^(tailnet|user|auth-key|api-key)-created$|^node-registered$|^policy-set$/.test(kind)) continue;
        expect(made.has(`${subject} ${id}`)).toBe(false);
        made.add(`${subject} ${id}`);
      }
    },
  );

  prop.prop([stories, fc.boolean()], { numRuns: 100 })(
    "survives being stored as rows, in whatever order they come back",
    (steps, reversed) => {
      const story = new Story();
      for (const one of steps) story.take(one);
      const { world } = story.server;
      const back = worldFromRows(rowsOf(world, (list) => (reversed ? list.toReversed() : list)));
      expect(plain(back)).toEqual(plain(world));
      expect(keptIndexes(back.index)).toEqual(keptIndexes(world.index));
    },
  );
});
