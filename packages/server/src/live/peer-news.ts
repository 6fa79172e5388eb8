import type { PeerChange, UserProfile } from "@headscale/tailcfg";
import { formatGoTime, goZeroTime } from "@headscale/tailcfg/codec";
import type { Node, NodeId, Presence } from "@headscale/tailnet";
import { type NetmapView, ownerProfile } from "@headscale/tailnet/netmap";
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
  readonly #patches: PeerChange[] = [];
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
      if (sent && (bits & touch.online) !== 0) this.#patches.push(...whenGone(node, this.#view.presence(node.id)));
      return;
    }
    if ((bits & touch.profile) !== 0) this.profile(node);
    this.#patches.push(...patchesFor(node, this.#view.presence(node.id), bits));
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
      ...(this.#patches.length > 0 ? [`"PeersChangedPatch":${JSON.stringify(this.#patches)}`] : []),
    ];
  }
}

/**
 * What a client patches into the record it has. A disco key travels apart from going offline: clients ≥1.98 drop a
 * patch that has both and a LastSeen they find old.
 */
export function patchesFor(node: Node, presence: Presence, bits: number): readonly PeerChange[] {
  const has = (bit: number) => (bits & bit) !== 0;
  const patch: Omit<PeerChange, "NodeID"> = {
    ...(has(touch.nodeKey) && { Key: node.nodeKey }),
    ...(has(touch.keyExpiry) && { KeyExpiry: node.expiry === undefined ? goZeroTime : formatGoTime(node.expiry) }),
    ...(has(touch.discoKey) && presence.discoKey !== undefined && { DiscoKey: presence.discoKey }),
    ...(has(touch.endpoints) && { Endpoints: presence.endpoints }),
    ...(has(touch.homeDerp) && presence.homeDerp !== 0 && { DERPRegion: presence.homeDerp }),
    ...(has(touch.capVersion) && presence.capVersion !== 0 && { Cap: presence.capVersion }),
    ...(has(touch.online) && presence.online && { Online: true }),
  };
  return [
    ...(Object.keys(patch).length > 0 ? [{ NodeID: node.id, ...patch }] : []),
    ...(has(touch.online) ? whenGone(node, presence) : []),
  ];
}

/** That a node is offline, and since when; nothing of one that is online. */
function whenGone({ id }: Node, { online, lastSeen }: Presence): readonly PeerChange[] {
  if (online) return [];
  return [{ NodeID: id, Online: false, ...(lastSeen !== undefined && { LastSeen: formatGoTime(lastSeen) }) }];
}
