import type { AdminClients } from "./admin-clients.ts";
import type { ControlClient, ControlClientOptions } from "./control-client.ts";
import type { TestDaemon } from "./daemon.ts";

export interface AdminWay {
  readonly way: string;
  open(daemon: TestDaemon): AdminClients | Promise<AdminClients>;
}

/** The ways by which administrators come: what holds for one has to hold for all. */
export const adminWays: readonly AdminWay[] = [
  { way: "over the unix socket", open: (daemon) => daemon.admin },
  { way: "over gRPC with an API key", open: (daemon) => daemon.remote({ protocol: "gRPC" }) },
  { way: "over gRPC-Web with an API key", open: (daemon) => daemon.remote({ protocol: "gRPC-Web" }) },
];

let names = 0;

/** A name that no test has used yet, for tests that share a daemon. */
export function freshName(what: string): string {
  return `${what}${++names}`;
}

export interface JoinOptions extends Omit<ControlClientOptions, "server"> {
  readonly userId?: bigint;
  readonly tags?: readonly string[];
  readonly tailnet?: string;
  readonly ephemeral?: boolean;
}

/** A device that registers with a pre-auth key made for it. */
export async function join(
  daemon: TestDaemon,
  { userId, tags, tailnet, ephemeral, ...device }: JoinOptions = {},
): Promise<{ readonly device: ControlClient; readonly id: bigint }> {
  const { preAuthKey } = await daemon.admin.headscale.createPreAuthKey({
    user: userId ?? 0n,
    aclTags: [...(tags ?? [])],
    tailnet: tailnet ?? "",
    ephemeral: ephemeral ?? false,
  });
  const client = daemon.client(device);
  const { MachineAuthorized, Error: refusal } = await client.register({ authKey: preAuthKey?.key ?? "" });
  if (!MachineAuthorized) throw new Error(`the device did not join: ${refusal}`);
  const { nodes } = await daemon.admin.headscale.listNodes({ tailnet: "*" });
  const node = nodes.find(({ nodeKey }) => nodeKey === client.nodeKey);
  if (!node) throw new Error("the device joined and is not in the list");
  return { device: client, id: node.id };
}
