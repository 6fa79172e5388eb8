import type { MapResponse, Node } from "@headscale/tailcfg";
import { formatGoTime, parseGoTime } from "@headscale/tailcfg/codec";
import { type Patch, patchify } from "./patchify.ts";
import { isZero } from "./wire-equality.ts";

/** Clients from here on keep a disco key they hold for newer than the server's. tailscale tailcfg/tailcfg.go@de9ec7ee, version 138 */
const staleDiscoVersion = 138;

/** The peer fields of one message, as they stand after patchify. */
export interface PeerFields {
  readonly Peers: readonly Node[];
  readonly PeersChanged: readonly Node[];
  readonly PeersRemoved: readonly number[];
  readonly patches: readonly Patch[];
  readonly seen: Readonly<Record<string, boolean>>;
  readonly online: Readonly<Record<string, boolean>>;
}

/** Fields that our server never sends but clients understand. */
export type LegacyPeerFields = {
  readonly OnlineChange?: Readonly<Record<string, boolean>>;
  readonly PeerSeenChange?: Readonly<Record<string, boolean>>;
};

/** A client's peers, changed by messages as clients do it. Source: tailscale control/controlclient/map.go@de9ec7ee. */
export class PeerTable {
  readonly #peers = new Map<number, Node>();
  readonly #version: number;

  /** `version`: capability version of the imitated client. */
  constructor(version: number) {
    this.#version = version;
  }

  get nodes(): ReadonlyMap<number, Node> {
    return this.#peers;
  }

  /** Turns replacements of known peers into patches where only patchable fields differ, before anything is applied. */
  prepare(message: MapResponse & LegacyPeerFields): PeerFields {
    const replaced: Node[] = [];
    const patches: Patch[] = [...(message.PeersChangedPatch ?? [])];
    for (const next of (message.PeersChanged ?? []).map(upgraded)) {
      const was = this.#peers.get(next.ID);
      const patch = was && patchify(was, next);
      if (!patch) replaced.push(next);
      else if (Object.keys(patch).length > 1) patches.push(patch);
    }
    return {
      Peers: (message.Peers ?? []).map((peer) => this.#withKeptDisco(upgraded(peer))),
      PeersChanged: replaced,
      PeersRemoved: message.PeersRemoved ?? [],
      patches: patches.filter((patch) => !this.#isStaleDisco(patch)),
      seen: message.PeerSeenChange ?? {},
      online: message.OnlineChange ?? {},
    };
  }

  /** `nowMs`: ms since the epoch, for peers "seen now". */
  apply(fields: PeerFields, nowMs: number): void {
    if (fields.Peers.length > 0) {
      this.#peers.clear();
      for (const peer of fields.Peers) this.#peers.set(peer.ID, peer);
      return;
    }
    for (const id of fields.PeersRemoved) this.#peers.delete(id);
    for (const peer of fields.PeersChanged) this.#peers.set(peer.ID, peer);
    for (const [id, seen] of Object.entries(fields.seen)) {
      this.#change(Number(id), ({ LastSeen, ...peer }) => (seen ? { ...peer, LastSeen: formatGoTime(nowMs) } : peer));
    }
    for (const [id, Online] of Object.entries(fields.online)) this.#change(Number(id), (peer) => ({ ...peer, Online }));
    for (const patch of fields.patches) this.#change(patch.NodeID, (peer) => patched(peer, patch));
  }

  /** Changes of unknown peers are ignored. */
  #change(id: number, change: (peer: Node) => Node): void {
    const peer = this.#peers.get(id);
    if (peer) this.#peers.set(id, change(peer));
  }

  #isStaleDisco(patch: Patch): boolean {
    if (this.#version < staleDiscoVersion || !patch.DiscoKey || patch.Online !== false || !patch.LastSeen) return false;
    const known = this.#peers.get(patch.NodeID)?.LastSeen;
    return known !== undefined && !isAfter(patch.LastSeen, known);
  }

  #withKeptDisco(peer: Node): Node {
    const known = this.#peers.get(peer.ID);
    if (this.#version < staleDiscoVersion || isZero(peer.DiscoKey) || peer.DiscoKey === known?.DiscoKey) return peer;
    if (peer.Online || !known?.LastSeen) return peer;
    if (peer.LastSeen && isAfter(peer.LastSeen, known.LastSeen)) return peer;
    const { DiscoKey, ...rest } = peer;
    return { ...rest, ...(known.DiscoKey && { DiscoKey: known.DiscoKey }), LastSeen: known.LastSeen };
  }
}

/** Older spellings made new, as clients do before they look at a node. */
export function upgraded(node: Node & { readonly DERP?: string }): Node {
  const { DERP, ...rest } = node;
  const legacyHome = /^127\.3\.3\.40:(\d+)$/.exec(DERP ?? "")?.[1];
  return {
    ...rest,
    AllowedIPs: node.AllowedIPs ?? node.Addresses ?? [],
    ...(legacyHome && !node.HomeDERP && { HomeDERP: Number(legacyHome) }),
  };
}

function patched(peer: Node, patch: Patch): Node {
  return {
    ...peer,
    ...(patch.DERPRegion && { HomeDERP: patch.DERPRegion }),
    ...(patch.Cap && { Cap: patch.Cap }),
    ...(patch.Endpoints && { Endpoints: patch.Endpoints }),
    ...(patch.Key && { Key: patch.Key }),
    ...(patch.DiscoKey && { DiscoKey: patch.DiscoKey }),
    ...(typeof patch.Online === "boolean" && { Online: patch.Online }),
    ...(patch.LastSeen && { LastSeen: patch.LastSeen }),
    ...(patch.KeyExpiry && { KeyExpiry: patch.KeyExpiry }),
    ...(patch.KeySignature && { KeySignature: patch.KeySignature }),
    ...(patch.CapMap && { CapMap: patch.CapMap }),
  };
}

function isAfter(a: string, b: string): boolean {
  return (parseGoTime(a, "LastSeen") ?? 0) > (parseGoTime(b, "LastSeen") ?? 0);
}
