import { shortKey } from "@headscale/tailcfg/keys";
import { type AuthRequest, type ProviderIdentity, userIdOf } from "@headscale/tailnet";
import type { Live } from "#live/live.ts";

/** What a person is asked before a sign-in takes effect: a link may have been sent by somebody else. */
export type Question =
  | {
      readonly kind: "register";
      readonly hostname: string;
      readonly os: string;
      /** Short form of the machine key, which `tailscale debug` shows too. */
      readonly machine: string;
      readonly tags: readonly string[];
      /** This machine is already a device of somebody else's. */
      readonly isAnothers: boolean;
    }
  | {
      readonly kind: "ssh-check";
      readonly source: string;
      readonly destination: string;
      /** Login name on the destination. */
      readonly login: string;
    };

/** Who it is, as people know themselves: name and e-mail, or what there is of them. */
export interface Account {
  readonly name: string;
  readonly detail: string | undefined;
}

export function accountOf({ providerId, name, displayName, email }: ProviderIdentity): Account {
  const [first = providerId, detail] = [displayName, email, name].filter((text) => text !== undefined && text !== "");
  return { name: first, detail };
}

export function questionOf({ world }: Live, { purpose }: AuthRequest, user: number | undefined): Question {
  if (purpose.kind === "ssh-check") {
    const nameOf = (id: typeof purpose.src) => world.nodes.get(id)?.name ?? `device ${id}`;
    return { kind: "ssh-check", source: nameOf(purpose.src), destination: nameOf(purpose.dst), login: purpose.login };
  }
  const { hostinfo, machineKey } = purpose;
  const owners = (world.index.nodesByMachineKey.get(machineKey) ?? []).flatMap((id) => {
    const node = world.nodes.get(id);
    return (node && userIdOf(node)) ?? [];
  });
  return {
    kind: "register",
    hostname: hostinfo.Hostname ?? "",
    os: [hostinfo.OS, hostinfo.OSVersion].filter((part) => part).join(" "),
    machine: shortKey(machineKey).slice(1, -1),
    tags: hostinfo.RequestTags ?? [],
    isAnothers: owners.some((owner) => owner !== user),
  };
}
