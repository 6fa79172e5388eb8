import { isDeepStrictEqual } from "node:util";
import type { Node, PeerChange } from "@headscale/tailcfg";
import { capabilityLists, isNone, sameInstant, sameValue } from "./wire-equality.ts";

/** A change of any field a client can patch; wider than what our server sends. */
export type Patch = PeerChange & { readonly KeySignature?: string };

/** Not compared: computed by clients, or never sent for peers. */
const ignored = new Set(["ComputedName", "ComputedNameWithHost", "DataPlaneAuditLogID", "Capabilities"]);

/** Handled below; every other field that differs forces a real replacement. */
const patchable = new Set([
  "Key",
  "KeyExpiry",
  "KeySignature",
  "DiscoKey",
  "Endpoints",
  "HomeDERP",
  "Cap",
  "CapMap",
  "Online",
  "LastSeen",
]);

const instants = new Set(["Created"]);

/**
 * How a client reads a `PeersChanged` entry for a peer it knows: as a patch if only patchable fields differ. Undefined:
 * it must replace the peer. A patch cannot say "no longer there", so such differences are lost, as they are in clients.
 * Source: tailscale control/controlclient/map.go@de9ec7ee peerChangeDiff.
 */
export function patchify(was: Node, next: Node): Patch | undefined {
  const fields = new Set([...Object.keys(was), ...Object.keys(next)] as (keyof Node)[]);
  for (const field of fields) {
    if (ignored.has(field) || patchable.has(field)) continue;
    const same = instants.has(field) ? sameInstant(was[field], next[field]) : sameValue(was[field], next[field]);
    if (!same) return undefined;
  }
  return { NodeID: next.ID, ...keyChanges(was, next), ...reachChanges(was, next), ...presenceChanges(was, next) };
}

function keyChanges(was: Node, next: Node): Partial<Patch> {
  return {
    ...(was.Key !== next.Key && { Key: next.Key }),
    ...(!sameInstant(was.KeyExpiry, next.KeyExpiry) && { KeyExpiry: next.KeyExpiry ?? "0001-01-01T00:00:00Z" }),
    ...(!sameValue(was.KeySignature, next.KeySignature) &&
      next.KeySignature !== undefined && { KeySignature: next.KeySignature }),
    ...(!sameValue(was.DiscoKey, next.DiscoKey) && { DiscoKey: next.DiscoKey ?? noDiscoKey }),
  };
}

const noDiscoKey = `discokey:${"0".repeat(64)}` as NonNullable<Node["DiscoKey"]>;

function reachChanges(was: Node, next: Node): Partial<Patch> {
  return {
    // Absent endpoints make an absent patch field: lost. An empty list clears.
    ...(!sameValue(was.Endpoints, next.Endpoints) && next.Endpoints && { Endpoints: next.Endpoints }),
    ...(!sameValue(was.HomeDERP, next.HomeDERP) && next.HomeDERP && { DERPRegion: next.HomeDERP }),
    ...(!sameValue(was.Cap, next.Cap) && next.Cap && { Cap: next.Cap }),
    ...(!isDeepStrictEqual(capabilityLists(was.CapMap), capabilityLists(next.CapMap)) && { CapMap: next.CapMap ?? {} }),
  };
}

function presenceChanges(was: Node, next: Node): Partial<Patch> {
  const onlineSaid = !isNone(was.Online) && !isNone(next.Online);
  const seenSaid = !isNone(was.LastSeen) && !isNone(next.LastSeen);
  return {
    ...(onlineSaid && was.Online !== next.Online && { Online: next.Online }),
    ...(seenSaid && !sameInstant(was.LastSeen, next.LastSeen) && { LastSeen: next.LastSeen }),
  };
}
