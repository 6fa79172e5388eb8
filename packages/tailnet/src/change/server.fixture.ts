import { parsePrefix } from "@headscale/netip";
import type { Hostinfo } from "@headscale/tailcfg";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { createAuthKey } from "#auth-keys/commands.ts";
import { parseAuthRequestId } from "#auth-requests/auth-request.ts";
import { type Node, unknownPresence } from "#nodes/node.ts";
import { register } from "#nodes/register.ts";
import { TailnetError } from "#tailnet-error.ts";
import { ensureDefaultTailnet } from "#tailnets/commands.ts";
import { createUser } from "#users/commands.ts";
import type { User } from "#users/user.ts";
import { defaultTailnetId } from "#world/ids.ts";
import { emptyWorld, type World } from "#world/world.ts";
import { apply } from "./apply.ts";
import type { Change } from "./change.ts";
import { type Command, decide, type PolicyJudge, type TailnetSettings } from "./decide.ts";

/** The code of the refusal that `run` ends in, or "accepted". */
export function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof TailnetError) return error.code;
    throw error;
  }
  return "accepted";
}

const keyBytes = (n: number) => new Uint8Array(32).map((_, i) => (i < 4 ? (n >> (8 * i)) & 255 : 7));

/** A world with a clock that tests turn, and nothing behind it. */
export class Server {
  world: World = emptyWorld;
  now = Date.UTC(2026, 0, 1);
  settings: TailnetSettings = {
    prefixes: { v4: parsePrefix("100.64.0.0/10"), v6: parsePrefix("fd7a:115c:a1e0::/48") },
    allocation: "sequential",
    nodeExpiryMs: 0,
    baseDomain: "example.test",
    authRequestTtlMs: 15 * 60_000,
    maxAuthRequests: 1024,
    maxSshChecks: 1024,
    maxSshChecksPerNode: 64,
  };
  /** Tags that `tagOwners` knows; alice and bob may not give them. */
  readonly definedTags = new Set<string>();
  /** What the policy says besides. */
  judge: Partial<PolicyJudge> = {};
  hostinfo: Hostinfo = {};
  random = (): number => 0.5;
  lastChanges: readonly Change[] = [];
  #joined = 0;

  constructor() {
    this.run(ensureDefaultTailnet);
  }

  run<R>(command: Command<R>): R {
    const { changes, result } = decide(this.world, command, {
      now: this.now,
      actor: "test",
      settings: this.settings,
      random: this.random,
      policy: () => ({
        mayTag: () => false,
        isDefinedTag: (tag) => this.definedTags.has(tag),
        autoApproved: () => [],
        addressPools: () => undefined,
        ...this.judge,
      }),
      presence: () => ({ ...unknownPresence, hostinfo: this.hostinfo }),
    });
    this.world = changes.reduce(apply, this.world);
    this.lastChanges = changes;
    return result;
  }

  user(name: string): User {
    return this.run(createUser({ tailnet: defaultTailnetId, name }));
  }

  /** A machine of its own joins as a node of `user`. */
  join(user: User, hostinfo: Hostinfo = { Hostname: "host" }): Node {
    const n = ++this.#joined;
    const secret = { prefix: `join${n}`.padEnd(12, "0"), hash: "h" };
    const terms = { reusable: false, ephemeral: false, tags: [] };
    this.run(createAuthKey({ ...secret, ...terms, tailnet: user.tailnet, userId: user.id }));
    const who = { machineKey: MachineKey.fromBytes(keyBytes(n)), nodeKey: NodeKey.fromBytes(keyBytes(n)) };
    const asked = { ...who, hostinfo, ephemeral: false, authKey: secret };
    const outcome = this.run(register(asked, parseAuthRequestId(`hskey-authreq-${"0".repeat(24)}`)));
    if (outcome.kind !== "authorized") throw new Error(`expected a node, got ${outcome.kind}`);
    return outcome.node;
  }

  /** The node as it is now. */
  node(id: number): Node | undefined {
    return this.world.nodes.get(id as Node["id"]);
  }
}
