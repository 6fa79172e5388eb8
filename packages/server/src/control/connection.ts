import type { MachineKey } from "@headscale/tailcfg/keys";

/** Who is at the other end of a Noise connection. The machine key is proved; any key is let in. */
export interface MachineConnection {
  readonly machineKey: MachineKey;
  /** Capability version that the handshake named. */
  readonly version: number;
  /** Client address, proxies looked through. */
  readonly address: string;
}

/** Who answers for what a connection does. */
export interface Standing {
  /** Whether the machine has a node. */
  readonly isMember: boolean;
  /** The machine key of a member; of a stranger the address that counts. */
  readonly key: string;
}
