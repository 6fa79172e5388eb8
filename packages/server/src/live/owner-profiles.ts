import type { UserProfile } from "@headscale/tailcfg";
import type { NodeId, World } from "@headscale/tailnet";
import { ownerProfile } from "@headscale/tailnet/netmap";

/** Who owns the nodes of a list of peers. Viewers that see the same share the list, so it is looked through once. */
export class OwnerProfiles {
  #known = new WeakMap<readonly number[], readonly UserProfile[]>();

  /** By ascending id, each owner once. */
  of(peers: readonly number[], world: World): readonly UserProfile[] {
    const known = this.#known.get(peers);
    if (known) return known;
    const profiles = new Map<number, UserProfile>();
    for (const id of peers) {
      const node = world.nodes.get(id as NodeId);
      if (!node) continue;
      const profile = ownerProfile(world, node);
      profiles.set(profile.ID, profile);
    }
    const list = [...profiles.values()].sort((a, b) => a.ID - b.ID);
    this.#known.set(peers, list);
    return list;
  }

  /** Users changed, or nodes passed to others. */
  forget(): void {
    this.#known = new WeakMap();
  }
}
