import type { PeerChange } from "@headscale/tailcfg";
import { formatGoTime, goZeroTime } from "@headscale/tailcfg/codec";
import type { Node, Presence } from "@headscale/tailnet";
import { touch } from "./touch.ts";

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
export function whenGone({ id }: Node, { online, lastSeen }: Presence): readonly PeerChange[] {
  if (online) return [];
  return [{ NodeID: id, Online: false, ...(lastSeen !== undefined && { LastSeen: formatGoTime(lastSeen) }) }];
}
