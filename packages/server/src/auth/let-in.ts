import type { AuthRequestId, Command, Node } from "@headscale/tailnet";
import type { Live } from "#live/live.ts";

/** Whatever authority lets a waiting machine in: its routes and names are known as soon as it is a node. @throws {TailnetError} */
export async function letIn<R>(
  live: Live,
  authId: AuthRequestId,
  command: Command<R>,
  actor: string,
  nodeOf: (result: R) => Node,
): Promise<R> {
  const purpose = live.world.authRequests.get(authId)?.purpose;
  const result = await live.execute(command, actor);
  const node = nodeOf(result);
  if (purpose?.kind === "register") await live.noteHostinfo(node, purpose.hostinfo, live.presence(node.id).capVersion);
  return result;
}
