import type { MachineKey } from "@headscale/tailcfg/keys";
import type { MachineConnection, Standing } from "./connection.ts";
import type { ControlLimits } from "./limits.ts";
import { TokenBuckets } from "./token-buckets.ts";

export interface DoorKeeperOptions {
  readonly limits: ControlLimits;
  isMember(machineKey: MachineKey): boolean;
  /** Addresses that count together: an IPv4 address, an IPv6 /64. */
  addressGroup(address: string): string;
  /** Whether this member or address has misbehaved lately. */
  isShutOut(standing: Standing): boolean;
}

/** Decides who may connect to the control protocol, and remembers who has. */
export class DoorKeeper {
  readonly #options: DoorKeeperOptions;
  readonly #handshakes: TokenBuckets;
  readonly #byMachine = new Map<MachineKey, number>();
  /** Machines that were strangers when they came, by the address that counts. */
  readonly #byAddress = new Map<string, Set<MachineConnection>>();

  constructor(options: DoorKeeperOptions) {
    this.#options = options;
    this.#handshakes = new TokenBuckets(options.limits.handshakes);
  }

  /** Who answers for a connection just now: a stranger may have become a member. */
  standingOf({ machineKey, address }: Pick<MachineConnection, "machineKey" | "address">): Standing {
    const isMember = this.#options.isMember(machineKey);
    return { isMember, key: isMember ? machineKey : this.#options.addressGroup(address) };
  }

  /** Whether an address may begin one more handshake. */
  mayShakeHands(address: string): boolean {
    return this.#handshakes.take(this.#options.addressGroup(address));
  }

  /** Why this machine may not connect once more; undefined when it may. */
  refusal(connection: MachineConnection): string | undefined {
    const { sessionsPerMachine, strangers } = this.#options.limits;
    const standing = this.standingOf(connection);
    if (this.#options.isShutOut(standing)) return "too many offences: come back in a minute";
    if ((this.#byMachine.get(connection.machineKey) ?? 0) >= sessionsPerMachine)
      return "too many connections of this machine";
    if (!standing.isMember && this.#strangersAt(standing.key) >= strangers.connections)
      return "too many connections of unregistered machines from this address";
    return undefined;
  }

  /** Notes a connection; the result forgets it again. */
  enter(connection: MachineConnection): () => void {
    const { machineKey, address } = connection;
    const group = this.#options.addressGroup(address);
    this.#byMachine.set(machineKey, (this.#byMachine.get(machineKey) ?? 0) + 1);
    const isStranger = !this.#options.isMember(machineKey);
    if (isStranger) this.#byAddress.set(group, (this.#byAddress.get(group) ?? new Set()).add(connection));
    return () => {
      const open = (this.#byMachine.get(machineKey) ?? 1) - 1;
      if (open > 0) this.#byMachine.set(machineKey, open);
      else this.#byMachine.delete(machineKey);
      if (isStranger) this.#leave(group, connection);
    };
  }

  /** Those that have registered meanwhile no longer count. */
  #strangersAt(group: string): number {
    const strangers = this.#byAddress.get(group);
    if (!strangers || strangers.size < this.#options.limits.strangers.connections) return strangers?.size ?? 0;
    for (const connection of strangers)
      if (this.#options.isMember(connection.machineKey)) this.#leave(group, connection);
    return strangers.size;
  }

  #leave(group: string, connection: MachineConnection): void {
    const strangers = this.#byAddress.get(group);
    strangers?.delete(connection);
    if (strangers?.size === 0) this.#byAddress.delete(group);
  }
}
