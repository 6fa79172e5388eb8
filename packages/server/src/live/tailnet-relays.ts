import { type CompiledPolicy, derpMapUnder } from "@headscale/policy";
import type { DERPMap } from "@headscale/tailcfg";

/** The relay map of one tailnet: the server's, as the policy edits it; the same object as long as it says the same. */
export class TailnetRelays {
  #from: { readonly base: DERPMap; readonly policy: CompiledPolicy["policy"] } | undefined;
  #map: DERPMap = { Regions: {} };

  /** As it was told last. */
  get current(): DERPMap {
    return this.#map;
  }

  of(base: DERPMap, policy: CompiledPolicy["policy"]): DERPMap {
    if (this.#from?.base === base && this.#from.policy === policy) return this.#map;
    this.#from = { base, policy };
    const map = forgettingScores(this.#map, derpMapUnder(policy, base));
    if (JSON.stringify(map) !== JSON.stringify(this.#map)) this.#map = map;
    return this.#map;
  }
}

/** To clients no scores mean the same scores as before; only an empty list takes them back. */
function forgettingScores(before: DERPMap, map: DERPMap): DERPMap {
  return before.HomeParams && !map.HomeParams ? { ...map, HomeParams: { RegionScore: {} } } : map;
}
