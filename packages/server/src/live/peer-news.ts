import type { UserProfile } from "@headscale/tailcfg";
import type { Node, NodeId } from "@headscale/tailnet";
import { type NetmapView, ownerProfile } from "@headscale/tailnet/netmap";
import { whenGone } from "./peer-patches.ts";
import { noRoutes } from "./record-cache.ts";
import type { SessionSource } from "./session-source.ts";
import { touch } from "./touch.ts";

/** Collects what one message says about peers. */
export class PeerNews {
  readonly #view: NetmapView;
  readonly #viewer: number;
  readonly #source: SessionSource;
  readonly #changed: string[] = [];
  readonly #removed: number[] = [];
  /** JSON texts */
  readonly #patches: string[] = [];
  readonly #profiles = new Map<number, UserProfile>();

  constructor(view: NetmapView, viewer: number, source: SessionSource) {
    this.#view = view;
    this.#viewer = viewer;
    this.#source = source;
  }

  add(id: number, bits: number, sent: boolean, visible: boolean): void {
    const node = this.#view.world.nodes.get(id as NodeId);
    if (!node || !visible) {
      if (sent) this.#removed.push(id);
      return;
    }
    if (!sent || (bits & (touch.record | touch.visibility)) !== 0) {
      const text = this.#source.records.text(this.#view, id, this.#source.routesOf(this.#viewer, id) ?? noRoutes);
      if (text !== undefined) this.#changed.push(text);
      this.profile(node);
      // A replacement does not tell clients of a LastSeen where they had none; a patch does.
      if (sent && (bits & touch.online) !== 0)
        this.#patch(
          whenGone(node, this.#view.presence(node.id))
            .map((patch) => JSON.stringify(patch))
            .join(","),
        );
      return;
    }
    if ((bits & touch.profile) !== 0) this.profile(node);
    this.#patch(this.#source.records.patches(this.#view, node, bits));
  }

  #patch(texts: string): void {
    if (texts !== "") this.#patches.push(texts);
  }

  /** Says who the owner of this node is. */
  profile(node: Node): void {
    const profile = ownerProfile(this.#view.world, node);
    this.#profiles.set(profile.ID, profile);
  }

  parts(): string[] {
    return [
      ...(this.#profiles.size > 0 ? [`"UserProfiles":${JSON.stringify([...this.#profiles.values()])}`] : []),
      ...(this.#removed.length > 0 ? [`"PeersRemoved":${JSON.stringify(this.#removed)}`] : []),
      ...(this.#changed.length > 0 ? [`"PeersChanged":[${this.#changed.join(",")}]`] : []),
      ...(this.#patches.length > 0 ? [`"PeersChangedPatch":[${this.#patches.join(",")}]`] : []),
    ];
  }
}
