import type { NodeKey } from "@headscale/tailcfg/keys";

/** Who may use the relay. A rejected promise, a thrown error and an answer that takes too long are refusals. */
export interface NodeVerifier {
  /** `sourceAddress` is an IP address, or empty if unknown. */
  allow(nodeKey: NodeKey, sourceAddress: string): Promise<boolean> | boolean;
}

/** Lets everybody in. */
export const openToAll: NodeVerifier = { allow: () => true };
