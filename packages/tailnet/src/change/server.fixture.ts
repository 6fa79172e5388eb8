import { parsePrefix } from "@headscale/netip";
import { unknownPresence } from "#nodes/node.ts";
import { ensureDefaultTailnet } from "#tailnets/commands.ts";
import { emptyWorld, type World } from "#world/world.ts";
import { apply } from "./apply.ts";
import type { Change } from "./change.ts";
import { type Command, decide, type TailnetSettings } from "./decide.ts";

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
  };
  /** Tags that `tagOwners` knows; alice and bob may not give them. */
  readonly definedTags = new Set<string>();
  lastChanges: readonly Change[] = [];

  constructor() {
    this.run(ensureDefaultTailnet);
  }

  run<R>(command: Command<R>): R {
    const { changes, result } = decide(this.world, command, {
      now: this.now,
      actor: "test",
      settings: this.settings,
      random: () => 0.5,
      policy: () => ({ mayTag: () => false, isDefinedTag: (tag) => this.definedTags.has(tag), autoApproved: () => [] }),
      presence: () => unknownPresence,
    });
    this.world = changes.reduce(apply, this.world);
    this.lastChanges = changes;
    return result;
  }
}
