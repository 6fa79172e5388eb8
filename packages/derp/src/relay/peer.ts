import type { RawKey } from "#frame/raw-key.ts";
import type { Outbox } from "./outbox.ts";

/** A way to reach a key at another relay of the region. */
export interface Forwarder {
  /** `source` and `destination` are keys of 32 bytes; the packet `bytes[start, end)` is valid during the call only. Must not throw. */
  forward(source: Buffer, destination: Buffer, bytes: Buffer, start: number, end: number): void;
}

/** A logged-in connection, as far as others are concerned with it. */
export interface Party {
  readonly key: RawKey;
  readonly keyBytes: Buffer;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly presentFlags: number;
  readonly outbox: Outbox;
  /** Peers this connection has got packets of, and will be told about when they leave. */
  readonly heard: Set<Peer>;
  peerGone(key: Buffer, reason: number): void;
  close(error: Error): void;
}

/** One node key: its connections here, in the order they last spoke, and the relays that also have it. */
export class Peer {
  readonly key: RawKey;
  readonly keyBytes: Buffer;
  /** The one that spoke last gets the packets: after a change of network the other may be dead without knowing. */
  active: Party | undefined;
  readonly connections: Party[] = [];
  /** Oldest first; the oldest is used. */
  readonly forwarders: Forwarder[] = [];
  readonly heardBy = new Set<Party>();

  constructor(key: RawKey, keyBytes: Buffer) {
    this.key = key;
    this.keyBytes = keyBytes;
  }

  get isEmpty(): boolean {
    return this.connections.length === 0 && this.forwarders.length === 0;
  }

  /** Puts a connection, new or old, last: it spoke. */
  spoke(party: Party): void {
    const at = this.connections.indexOf(party);
    if (at >= 0) this.connections.splice(at, 1);
    this.connections.push(party);
    this.active = party;
  }

  left(party: Party): void {
    const at = this.connections.indexOf(party);
    if (at >= 0) this.connections.splice(at, 1);
    this.active = this.connections.at(-1);
  }
}
