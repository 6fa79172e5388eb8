import { type Command, defaultTailnetId, type Effect, serverScope, TailnetError } from "@headscale/tailnet";
import { ensureDefaultTailnet } from "@headscale/tailnet/commands";
import type { Imported } from "#convert/convert.ts";

/** Takes everything over at once. @throws {TailnetError} "not-empty" where there are users or nodes already */
export function importCommand(imported: Imported): Command<void> {
  return (world, given) => {
    if (world.users.size > 0 || world.nodes.size > 0) {
      throw new TailnetError("not-empty", "this server has users or nodes already: import into a fresh database");
    }
    return {
      effects: [...ensureDefaultTailnet(world, given).effects, ...effectsOf(imported, given.now)],
      result: undefined,
    };
  };
}

function effectsOf({ users, authKeys, nodes, apiKeys, policy }: Imported, now: number): readonly Effect[] {
  const tailnet = defaultTailnetId;
  const owner = users[0];
  const effects: Effect[] = users.map((after) => ({
    subject: "user",
    tailnet,
    kind: "user-created",
    id: after.id,
    after,
  }));
  if (owner) {
    const after = { id: tailnet, name: "default", defaultOwner: owner.id, createdAt: now };
    effects.push({ subject: "tailnet", tailnet, kind: "tailnet-owner-set", id: tailnet, after });
  }
  for (const after of authKeys)
    effects.push({ subject: "auth-key", tailnet, kind: "auth-key-created", id: after.id, after });
  for (const after of nodes) effects.push({ subject: "node", tailnet, kind: "node-registered", id: after.id, after });
  for (const after of apiKeys)
    effects.push({ subject: "api-key", tailnet: serverScope, kind: "api-key-created", id: after.id, after });
  if (policy) effects.push({ subject: "policy", tailnet, kind: "policy-set", id: policy.id, after: policy });
  return effects;
}
