import { ip16Bytes } from "#address/ip-bytes.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import type { RawKey } from "#frame/raw-key.ts";
import { FrameType, PeerGoneReason } from "#protocol.ts";
import { type Forwarder, type Party, Peer } from "./peer.ts";

/**
 * Who is where: all keys with a connection here or a forwarder to a relay that has one.
 * A key is gone when it has neither; whoever got packets of it is told then, and again after it came back and left once more
 * (derper tells only once: its watch is never renewed).
 */
export class Switchboard {
  readonly #peers = new Map<RawKey, Peer>();
  readonly #watchers = new Set<Party>();
  readonly #ownKey: RawKey;

  /** Watchers under `ownKey` are this relay itself, and are ignored. */
  constructor(ownKey: RawKey) {
    this.#ownKey = ownKey;
  }

  find(key: RawKey): Peer | undefined {
    return this.#peers.get(key);
  }

  peers(): IterableIterator<Peer> {
    return this.#peers.values();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  join(party: Party): Peer {
    const peer = this.#peerOf(party.key, party.keyBytes);
    peer.spoke(party);
    this.#announce(peer.key, presentFrame(party));
    return peer;
  }

  leave(party: Party): void {
    const peer = this.#peers.get(party.key);
    if (peer === undefined) return;
    this.#watchers.delete(party);
    for (const other of party.heard) other.heardBy.delete(party);
    party.heard.clear();
    peer.left(party);
    if (peer.connections.length > 0) return;
    this.#announce(peer.key, goneFrame(peer));
    this.#dropIfEmpty(peer);
  }

  /** Sends `watcher` everybody who is here, itself included, and from now on who comes and goes. */
  watch(watcher: Party): void {
    if (watcher.key === this.#ownKey) return;
    this.#watchers.add(watcher);
    for (const peer of this.#peers.values())
      if (peer.active) watcher.outbox.control(presenceOf(peer.key), presentFrame(peer.active));
  }

  addForwarder(key: RawKey, keyBytes: Buffer, forwarder: Forwarder): void {
    const { forwarders } = this.#peerOf(key, keyBytes);
    if (!forwarders.includes(forwarder)) forwarders.push(forwarder);
  }

  removeForwarder(key: RawKey, forwarder: Forwarder): void {
    const peer = this.#peers.get(key);
    const at = peer?.forwarders.indexOf(forwarder) ?? -1;
    if (peer === undefined || at < 0) return;
    peer.forwarders.splice(at, 1);
    this.#dropIfEmpty(peer);
  }

  #peerOf(key: RawKey, keyBytes: Buffer): Peer {
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = new Peer(key, keyBytes);
      this.#peers.set(key, peer);
    }
    return peer;
  }

  #dropIfEmpty(peer: Peer): void {
    if (!peer.isEmpty) return;
    this.#peers.delete(peer.key);
    for (const party of peer.heardBy) {
      party.heard.delete(peer);
      party.peerGone(peer.keyBytes, PeerGoneReason.disconnected);
    }
    peer.heardBy.clear();
  }

  #announce(key: RawKey, frame: Buffer): void {
    for (const watcher of this.#watchers) watcher.outbox.control(presenceOf(key), frame);
  }
}

/** A watcher that lags needs only the last word about each key. */
function presenceOf(key: RawKey): string {
  return `presence ${key}`;
}

function presentFrame(party: Party): Buffer {
  const port = Buffer.of(party.remotePort >> 8, party.remotePort & 255);
  const address = ip16Bytes(party.remoteAddress);
  return frameOf(FrameType.peerPresent, party.keyBytes, address, port, Buffer.of(party.presentFlags));
}

function goneFrame(peer: Peer): Buffer {
  return frameOf(FrameType.peerGone, peer.keyBytes, Buffer.of(PeerGoneReason.disconnected));
}
