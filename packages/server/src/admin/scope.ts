import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Node, NodeId, Tailnet, TailnetId, User, UserId } from "@headscale/tailnet";
import { scopedName, TailnetError } from "@headscale/tailnet";
import { nodeIn, tailnetNamed, userIn } from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import { callerKey } from "./caller.ts";

/** Name that means every tailnet, in lists. */
export const allTailnets = "*";

/** Who calls, for the audit log. */
export function actorOf(context: HandlerContext): string {
  return context.values.get(callerKey);
}

/** The tailnets a list is about, by id. @throws {TailnetError} */
export function tailnetsNamed(live: Live, name: string): readonly Tailnet[] {
  if (name !== allTailnets) return [tailnetNamed(live.world, name)];
  return [...live.world.tailnets.values()].sort((a, b) => a.id - b.id);
}

/** An id of the contract as an id of the model. */
export function idOf<T extends number>(value: bigint, field: string): T {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ConnectError(`${field} is too large`, Code.InvalidArgument);
  return Number(value) as T;
}

/** The node with this id; when the request names a tailnet, only if it is in there. @throws {TailnetError} */
export function nodeOf(live: Live, id: bigint, tailnet: string): Node {
  const node = nodeIn(live.world, idOf<NodeId>(id, "node_id"));
  return inScope(live, node, tailnet, () => new TailnetError("node-not-found", `node ${node.id} not found`));
}

/** The user with this id; when the request names a tailnet, only if it is in there. @throws {TailnetError} */
export function userOf(live: Live, id: bigint, tailnet: string): User {
  const user = userIn(live.world, idOf<UserId>(id, "user"));
  return inScope(live, user, tailnet, () => new TailnetError("user-not-found", `user ${user.id} not found`));
}

export function inScope<T extends { readonly tailnet: TailnetId }>(
  live: Live,
  thing: T,
  tailnet: string,
  missing: () => Error,
): T {
  if (tailnet !== "" && tailnet !== allTailnets && thing.tailnet !== tailnetNamed(live.world, tailnet).id)
    throw missing();
  return thing;
}

/**
 * The user of a tailnet with this name, e-mail or id; an empty name means the default owner. A local user's name is its
 * own; names that a provider gives may be borne by several, and then mean nobody. @throws {TailnetError}
 */
export function userNamed(live: Live, tailnet: Tailnet, name: string): User {
  const id = name === "" ? tailnet.defaultOwner : live.world.index.userByName.get(scopedName(tailnet.id, name));
  if (id !== undefined) return userIn(live.world, id);
  if (name === "")
    throw new TailnetError("user-not-found", `namespace "${tailnet.name}" has no user yet: create one first`);
  const [found, ...others] = [...live.world.users.values()].filter(
    (user) => user.tailnet === tailnet.id && [user.email, user.name, String(user.id)].includes(name),
  );
  if (!found) throw new TailnetError("user-not-found", `user "${name}" not found`);
  if (others.length === 0) return found;
  const ids = [found, ...others].map((user) => user.id).join(", ");
  throw new TailnetError("argument-invalid", `several users are called "${name}": say one of the ids ${ids}`);
}
