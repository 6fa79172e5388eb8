import type { Hostinfo } from "@headscale/tailcfg";
import type { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { type Node, type Presence, unknownPresence } from "@headscale/tailnet";
import { mergeHostinfo } from "./presence-rules.ts";

/** Who a machine says it is while it registers. */
export interface Arrival {
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly hostinfo: Hostinfo;
  readonly capVersion: number;
}

type Keys = Pick<Arrival, "machineKey" | "nodeKey">;

/**
 * What machines tell of themselves with the registration that is being written: their nodes have it from the first moment
 * on, and peers and policy look at a new node once, not twice.
 */
export class Arrivals {
  readonly #expected = new Map<string, Presence>();

  /** Expects a node until what is returned is disposed of. */
  expect(arrival: Arrival): Disposable {
    const key = keyOf(arrival);
    const hostinfo = mergeHostinfo(unknownPresence.hostinfo, arrival.hostinfo);
    const presence: Presence = { ...unknownPresence, hostinfo, capVersion: arrival.capVersion };
    this.#expected.set(key, presence);
    return {
      [Symbol.dispose]: () => {
        if (this.#expected.get(key) === presence) this.#expected.delete(key);
      },
    };
  }

  /** What a new node is known by; undefined when nobody expects it. */
  of(node: Node): Presence | undefined {
    return this.#expected.get(keyOf(node));
  }
}

function keyOf({ machineKey, nodeKey }: Keys): string {
  return `${machineKey} ${nodeKey}`;
}
