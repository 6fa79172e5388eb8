import { randomBytes } from "node:crypto";
import { DerpError } from "#derp-error.ts";
import { looksLikeDisco } from "#frame/disco.ts";
import { frameOf, pingFrame } from "#frame/frame-bytes.ts";
import type { FrameSink, HeaderVerdict } from "#frame/frame-reader.ts";
import { isKeyAt, type RawKey, rawKeyAt } from "#frame/raw-key.ts";
import type { ClientInfo } from "#login/client-info.ts";
import { FrameType, KEY_BYTES, PeerGoneReason, PING_BYTES, PresentFlag } from "#protocol.ts";
import type { RelayCounters } from "./counters.ts";
import { isKnownFrame } from "./frame-rules.ts";
import { effectiveRateLimit, type RateLimit, type RelayLimits } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import type { Party, Peer } from "./peer.ts";
import type { Switchboard } from "./switchboard.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Home changes right after the login are no moves. */
const HOME_SETTLES_MS = 5_000;

export interface ConnectionContext {
  readonly switchboard: Switchboard;
  readonly counters: RelayCounters;
  readonly limits: RelayLimits;
  readonly now: () => number;
}

export interface ConnectionSide {
  readonly key: RawKey;
  readonly keyBytes: Buffer;
  readonly info: ClientInfo;
  readonly hasMeshRight: boolean;
  readonly isNotIdeal: boolean;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly outbox: Outbox;
  /** Stop and go on reading from the client. */
  readonly hold: () => void;
  readonly release: () => void;
  readonly close: (error: Error) => void;
}

/** A client from its login to its end: what each of its frames does. */
export class Connection implements FrameSink, Party {
  readonly key: RawKey;
  readonly keyBytes: Buffer;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly outbox: Outbox;
  readonly hasMeshRight: boolean;
  readonly isNotIdeal: boolean;
  readonly info: ClientInfo;
  readonly heard = new Set<Peer>();
  isHome = false;
  readonly #side: ConnectionSide;
  readonly #context: ConnectionContext;
  readonly #peer: Peer;
  readonly #since: number;
  readonly #notHere: TokenBucket;
  #lastHeard: Peer | undefined;
  #lastPeer: Peer | undefined;
  #lastDestination: Party | undefined;
  #bucket: TokenBucket | undefined;
  #paid = false;
  #payTimer: NodeJS.Timeout | undefined;
  #spokeSincePing = true;
  #pongTimer: NodeJS.Timeout | undefined;
  readonly #keepAlive: NodeJS.Timeout;

  /** Registers the client: from here on others reach it. */
  constructor(side: ConnectionSide, context: ConnectionContext) {
    this.#side = side;
    this.#context = context;
    this.key = side.key;
    this.keyBytes = side.keyBytes;
    this.info = side.info;
    this.hasMeshRight = side.hasMeshRight;
    this.isNotIdeal = side.isNotIdeal;
    this.remoteAddress = side.remoteAddress;
    this.remotePort = side.remotePort;
    this.outbox = side.outbox;
    this.#since = context.now();
    this.#notHere = new TokenBucket(1, context.limits.notHereBurst, this.#since);
    this.setRateLimit(context.limits.rateLimit);
    this.#keepAlive = setInterval(this.#sendKeepAlive, jittered(context.limits.keepAliveMs));
    this.#peer = context.switchboard.join(this);
  }

  get presentFlags(): number {
    const flags =
      (this.info.isProber ? PresentFlag.prober : 0) |
      (this.hasMeshRight ? PresentFlag.meshPeer : 0) |
      (this.isNotIdeal ? PresentFlag.notIdeal : 0);
    return flags === 0 ? PresentFlag.regular : flags;
  }

  get isDuplicate(): boolean {
    return this.#peer.connections.length > 1;
  }

  header(type: number, length: number): HeaderVerdict {
    if (this.#bucket !== undefined && !this.#pay(this.#bucket, length)) return "wait";
    this.#spokeSincePing = true;
    if (this.#peer.active !== this) this.#peer.spoke(this);
    if (isKnownFrame(type, length, this.hasMeshRight)) return "take";
    if (type !== FrameType.pong) this.#context.counters.unknownFrames += 1;
    return "skip";
  }

  frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === FrameType.sendPacket) this.#sendPacket(bytes, start, end);
    else if (type === FrameType.forwardPacket) this.#forwardPacket(bytes, start, end);
    else if (type === FrameType.ping) this.#ping(bytes, start);
    else if (type === FrameType.notePreferred) this.#notePreferred(bytes[start] !== 0);
    else if (type === FrameType.watchConns) this.#context.switchboard.watch(this);
    else this.#closePeer(rawKeyAt(bytes, start));
  }

  /** `undefined` lifts the limit, and lets a client go on that waits for its tokens. */
  setRateLimit(limit: RateLimit | undefined): void {
    const effective = this.hasMeshRight ? undefined : effectiveRateLimit(limit);
    this.#bucket = effective && new TokenBucket(effective.bytesPerSecond, effective.burstBytes, this.#context.now());
    if (this.#payTimer !== undefined) this.#goOn();
  }

  peerGone(key: Buffer, reason: number): void {
    const { counters } = this.#context;
    if (reason === PeerGoneReason.notHere) counters.peerGoneNotHere += 1;
    else counters.peerGoneDisconnected += 1;
    this.outbox.control(`gone ${rawKeyAt(key, 0)}`, frameOf(FrameType.peerGone, key, Buffer.of(reason)));
  }

  close(error: Error): void {
    this.#side.close(error);
  }

  /** The connection has ended. */
  ended(): void {
    clearInterval(this.#keepAlive);
    clearTimeout(this.#pongTimer);
    clearTimeout(this.#payTimer);
    this.#context.switchboard.leave(this);
  }

  #sendPacket(bytes: Buffer, start: number, end: number): void {
    const { counters } = this.#context;
    const packetAt = start + KEY_BYTES;
    counters.packetsReceived += 1;
    counters.bytesReceived += end - packetAt;
    const peer = this.#destination(bytes, start);
    const party = peer?.active;
    if (party !== undefined) this.#deliver(party, this.#peer, this.keyBytes, bytes, packetAt, end);
    else if (peer?.forwarders[0] !== undefined) {
      counters.packetsForwardedOut += 1;
      peer.forwarders[0].forward(this.keyBytes, peer.keyBytes, bytes, packetAt, end);
    } else this.#undeliverable("unknown_dest", bytes, start, packetAt, end);
  }

  /** Most packets go where the last one went, which is cheaper to see than to look up. */
  #destination(bytes: Buffer, start: number): Peer | undefined {
    const last = this.#lastPeer;
    if (last !== undefined && !last.isEmpty && isKeyAt(last.keyBytes, bytes, start)) return last;
    this.#lastPeer = this.#context.switchboard.find(rawKeyAt(bytes, start));
    return this.#lastPeer;
  }

  /** Delivered here or dropped, never forwarded again: no packet goes round in a mesh. */
  #forwardPacket(bytes: Buffer, start: number, end: number): void {
    const { counters, switchboard } = this.#context;
    const destinationAt = start + KEY_BYTES;
    const packetAt = destinationAt + KEY_BYTES;
    counters.packetsForwardedIn += 1;
    const party = switchboard.find(rawKeyAt(bytes, destinationAt))?.active;
    if (party === undefined) {
      this.#undeliverable("unknown_dest_on_fwd", bytes, destinationAt, packetAt, end);
      return;
    }
    const source = switchboard.find(rawKeyAt(bytes, start));
    this.#deliver(party, source, bytes.subarray(start, destinationAt), bytes, packetAt, end);
  }

  #deliver(to: Party, from: Peer | undefined, source: Buffer, bytes: Buffer, start: number, end: number): void {
    // The sets remember who is to be told when `from` leaves; the last pair spares the look-ups for a steady stream.
    if (from !== undefined && (this.#lastDestination !== to || this.#lastHeard !== from)) this.#noteHeard(to, from);
    to.outbox.packet(source, bytes, start, end);
  }

  #noteHeard(to: Party, from: Peer): void {
    to.heard.add(from);
    from.heardBy.add(to);
    this.#lastDestination = to;
    this.#lastHeard = from;
  }

  /** Data to an unknown key vanishes; path discovery is told, so that the sender looks elsewhere. */
  #undeliverable(
    reason: "unknown_dest" | "unknown_dest_on_fwd",
    bytes: Buffer,
    keyAt: number,
    packetAt: number,
    end: number,
  ): void {
    const disco = looksLikeDisco(bytes, packetAt, end);
    this.#context.counters.drop(reason, disco, end - packetAt);
    if (disco && this.#notHere.take(this.#context.now()))
      this.peerGone(Buffer.from(bytes.subarray(keyAt, keyAt + KEY_BYTES)), PeerGoneReason.notHere);
  }

  /** One pong may wait; pings that come meanwhile are ignored. */
  #ping(bytes: Buffer, start: number): void {
    this.#context.counters.pingsReceived += 1;
    if (this.outbox.isWaiting("pong")) return;
    this.#context.counters.pongsSent += 1;
    this.outbox.control("pong", pingFrame(FrameType.pong, bytes, start));
  }

  #notePreferred(isHome: boolean): void {
    if (this.isHome === isHome) return;
    this.isHome = isHome;
    if (this.#context.now() - this.#since <= HOME_SETTLES_MS) return;
    if (isHome) this.#context.counters.homeMovesIn += 1;
    else this.#context.counters.homeMovesOut += 1;
  }

  #closePeer(key: RawKey): void {
    const parties = this.#context.switchboard.find(key)?.connections ?? [];
    for (const party of [...parties]) party.close(new DerpError("closed", "closed by a mesh peer"));
  }

  /** False: too few tokens; reading stops until they are there, and TCP pushes back. Nothing is dropped. */
  #pay(bucket: TokenBucket, length: number): boolean {
    if (!this.#paid) {
      const waitMs = bucket.reserve(length, this.#context.now());
      if (waitMs > 0) {
        this.#paid = true;
        this.#context.counters.rateLimitWaits += 1;
        this.#side.hold();
        this.#payTimer = setTimeout(this.#goOn, waitMs);
        return false;
      }
    }
    this.#paid = false;
    return true;
  }

  readonly #goOn = (): void => {
    clearTimeout(this.#payTimer);
    this.#payTimer = undefined;
    this.#side.release();
  };

  /**
   * A client that answers pings gets a Ping for its keep-alive, and must say something before long: Node has no TCP_USER_TIMEOUT,
   * and the kernel takes a quarter of an hour to notice that a client vanished.
   */
  readonly #sendKeepAlive = (): void => {
    if (!this.info.canAckPings) {
      this.outbox.control("keep-alive", frameOf(FrameType.keepAlive));
      return;
    }
    this.#spokeSincePing = false;
    this.outbox.control("keep-alive", frameOf(FrameType.ping, randomBytes(PING_BYTES)));
    clearTimeout(this.#pongTimer);
    this.#pongTimer = setTimeout(this.#expectPong, this.#context.limits.pongTimeoutMs);
  };

  readonly #expectPong = (): void => {
    if (this.#spokeSincePing || this.#payTimer !== undefined) return;
    this.#context.counters.silentClientsCut += 1;
    this.close(new DerpError("too-slow", "no answer to a ping"));
  };
}

/** Up to a twelfth longer, so that clients do not all wake together; in steps, as Node keeps one timer list for each duration. */
function jittered(ms: number): number {
  return ms + Math.floor((Math.random() * ms) / 1_200) * 100;
}
