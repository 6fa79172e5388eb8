import type { Addr, Prefix } from "@headscale/netip";
import type { Node, Presence } from "#nodes/node.ts";
import type { TailnetId, UserId } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import { applyEffect } from "./apply.ts";
import type { Actor, Change, Effect } from "./change.ts";

/** What a policy decides for commands: who may carry a tag, which announced routes need no administrator. */
export interface PolicyJudge {
  mayTag(user: UserId | undefined, tag: string): boolean;
  isDefinedTag(tag: string): boolean;
  /** The announced routes that the policy approves by itself for such a node. */
  autoApproved(node: Node, announced: readonly Prefix[]): readonly Prefix[];
  /** Networks that number such a node; undefined: the policy has none for anybody. */
  addressPools(node: Node): readonly Prefix[] | undefined;
}

/** The server's settings that commands depend on. */
export interface TailnetSettings {
  readonly prefixes: { readonly v4?: Prefix; readonly v6?: Prefix };
  readonly allocation: "sequential" | "random";
  /** Default key expiry of untagged nodes in ms, 0 = none. */
  readonly nodeExpiryMs: number;
  readonly baseDomain: string;
  readonly authRequestTtlMs: number;
  /** Logins that wait at the same time. */
  readonly maxAuthRequests: number;
  /** The same for SSH checks. */
  readonly maxSshChecks: number;
  /** A node asks for a check with every connection that comes in: one that is swamped must not use up everybody's. */
  readonly maxSshChecksPerNode: number;
}

/** Everything a command may depend on besides the world and its own arguments. */
export interface Circumstances {
  readonly now: number;
  readonly actor: Actor;
  readonly settings: TailnetSettings;
  /** Uniform in [0, 1), for random address allocation. */
  random(): number;
  policy(tailnet: TailnetId): PolicyJudge;
  presence(node: Node): Presence;
  /** Whether an address may be given out besides the usual rules. */
  reserved?(addr: Addr): boolean;
}

export interface Decision<R> {
  readonly effects: readonly Effect[];
  readonly result: R;
}

/** A pure question to the world: what changes, and what is answered. @throws {TailnetError} when refused. */
export type Command<R> = (world: World, given: Circumstances) => Decision<R>;

/** Runs a command and numbers what it decided: each tailnet's revision goes up by one per effect. @throws {TailnetError} */
export function decide<R>(
  world: World,
  command: Command<R>,
  given: Circumstances,
): { changes: readonly Change[]; result: R } {
  const { effects, result } = command(world, given);
  const revisions = new Map<TailnetId, number>();
  const changes = effects.map((effect): Change => {
    const revision = (revisions.get(effect.tailnet) ?? world.revisions.get(effect.tailnet) ?? 0) + 1;
    revisions.set(effect.tailnet, revision);
    return { ...effect, revision, at: given.now, actor: given.actor };
  });
  return { changes, result };
}

/** Collects effects while a command goes on reading the world they lead to. */
export class Draft {
  #world: World;
  readonly #effects: Effect[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get world(): World {
    return this.#world;
  }

  add(effect: Effect): void {
    this.#effects.push(effect);
    this.#world = applyEffect(this.#world, effect);
  }

  /** The node's change, in the node's own tailnet. */
  node(kind: Effect["kind"], after: Node): Node {
    this.add({ subject: "node", tailnet: after.tailnet, kind, id: after.id, after });
    return after;
  }

  decision<R>(result: R): Decision<R> {
    return { effects: this.#effects, result };
  }
}
