import { looksLikeDisco } from "#frame/disco.ts";
import { putHeader } from "#frame/frame-bytes.ts";
import { FrameType, HEADER_BYTES, KEY_BYTES } from "#protocol.ts";
import type { RelayCounters } from "./counters.ts";
import { PacketQueue } from "./packet-queue.ts";
import { SLAB_BYTES, type SlabPool } from "./slab.ts";
import type { Transport } from "./transport.ts";
import type { Turn } from "./turn.ts";

const PACKET_AT = HEADER_BYTES + KEY_BYTES;
/** Writes handed to the transport and not yet confirmed. TLS confirms a turn late even when the network takes all at once. */
const MAX_FLIGHTS = 4;
/** One TLS record. What may be under way to a client that has shown to be slow. */
const RECORD_BYTES = 16_384;
/** A write that took this long shows that the client, not the event loop, is slow. */
const SLOW_WRITE_MS = 250;

export interface OutboxContext {
  readonly turn: Turn;
  readonly slabs: SlabPool;
  readonly counters: RelayCounters;
  readonly now: () => number;
}

export interface OutboxBounds {
  readonly queueDepth: number;
  readonly queueBytes: number;
  readonly writeTimeoutMs: number;
}

/**
 * What leaves for one client. Frames are gathered in a slab and written once per turn of the event loop; while the network lags,
 * packets wait in two short queues that drop their oldest, and of each control frame only the newest waits. Nothing here ever
 * makes a sender wait, and all of it is bounded.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #context: OutboxContext;
  readonly #onStuck: () => void;
  readonly #disco: PacketQueue;
  readonly #data: PacketQueue;
  readonly #control = new Map<string, Buffer>();
  #discoNext = true;
  #behind = false;
  #slab: Buffer | undefined;
  #used = 0;
  #due = false;
  readonly #flights: { slab: Buffer; bytes: number }[] = [];
  #flightStart = 0;
  #flightBytes = 0;
  #slow = false;
  #deadline: NodeJS.Timeout | undefined;
  #writeTimeoutMs: number;
  #closed = false;

  /** `onStuck` is called when the client takes too long to read. */
  constructor(transport: Transport, context: OutboxContext, bounds: OutboxBounds, onStuck: () => void) {
    this.#transport = transport;
    this.#context = context;
    this.#writeTimeoutMs = bounds.writeTimeoutMs;
    this.#onStuck = onStuck;
    this.#disco = new PacketQueue(bounds.queueDepth, bounds.queueBytes);
    this.#data = new PacketQueue(bounds.queueDepth, bounds.queueBytes);
  }

  /** Changes how long 16 KiB may take; mesh members get more patience than clients. */
  allowMs(writeTimeoutMs: number): void {
    this.#writeTimeoutMs = writeTimeoutMs;
  }

  /** Bytes held for this client in memory of ours. */
  get heldBytes(): number {
    const flying = this.#flights.reduce((sum, flight) => sum + flight.bytes, 0);
    return flying + this.#used + this.#disco.bytes + this.#data.bytes;
  }

  /** Packets that wait in the queues. */
  get queuedPackets(): number {
    return this.#disco.length + this.#data.length;
  }

  /** Sends the packet `bytes[start, end)` of `source` (32 bytes), or queues it, or lets it push out an older one. */
  packet(source: Buffer, bytes: Buffer, start: number, end: number): void {
    const length = PACKET_AT + end - start;
    const at = this.#behind ? -1 : this.#reserve(length);
    if (at >= 0) {
      putPacket(this.#slab as Buffer, at, source, bytes, start, end);
      this.#countSent(end - start);
    } else if (this.#closed) {
      this.#context.counters.drop("gone_disconnected", looksLikeDisco(bytes, start, end), end - start);
    } else {
      const frame = Buffer.allocUnsafe(length);
      putPacket(frame, 0, source, bytes, start, end);
      (looksLikeDisco(bytes, start, end) ? this.#disco : this.#data).push(frame, this.#countDrop);
      this.#behind = true;
    }
  }

  /** Sends a control frame. If it has to wait, it replaces a waiting one of the same `subject`. */
  control(subject: string, frame: Buffer): void {
    if (this.#closed) return;
    if (!this.#behind && this.#put(frame)) return;
    this.#control.delete(subject);
    this.#control.set(subject, frame);
    this.#behind = true;
  }

  /** Whether a control frame of `subject` waits. */
  isWaiting(subject: string): boolean {
    return this.#control.has(subject);
  }

  /** Called by the turn. */
  flush(): void {
    this.#due = false;
    if (this.#used > 0 && this.#mayLaunch()) this.#launch();
  }

  /** Counts what waits as lost; the transport must have ended. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#deadline);
    this.#control.clear();
    for (const [queue, disco] of [
      [this.#disco, true],
      [this.#data, false],
    ] as const)
      for (let frame = queue.shift(); frame !== undefined; frame = queue.shift())
        this.#context.counters.drop("gone_disconnected", disco, frame.length - PACKET_AT);
    if (this.#slab) this.#context.slabs.give(this.#slab);
    this.#slab = undefined;
    this.#used = 0;
  }

  /** Room for `length` bytes in the slab, or -1 while the transport lags. */
  #reserve(length: number): number {
    if (this.#closed) return -1;
    if (this.#used > 0 && this.#used + length > (this.#slow ? RECORD_BYTES : SLAB_BYTES)) {
      if (!this.#mayLaunch()) return -1;
      this.#launch();
    }
    this.#slab ??= this.#context.slabs.take();
    const at = this.#used;
    this.#used += length;
    if (!this.#due) {
      this.#due = true;
      this.#context.turn.atEnd(this);
    }
    return at;
  }

  #put(frame: Buffer): boolean {
    const at = this.#reserve(frame.length);
    if (at >= 0) this.#slab?.set(frame, at);
    return at >= 0;
  }

  #mayLaunch(): boolean {
    return this.#flights.length < (this.#slow ? 1 : MAX_FLIGHTS);
  }

  #launch(): void {
    const slab = this.#slab as Buffer;
    const bytes = this.#used;
    this.#slab = undefined;
    this.#used = 0;
    if (this.#flights.push({ slab, bytes }) === 1) {
      this.#flightStart = this.#context.now();
      this.#flightBytes = bytes;
      if (this.#deadline === undefined && this.#writeTimeoutMs > 0)
        this.#deadline = setTimeout(this.#checkDeadline, this.#writeTimeoutMs);
    }
    this.#transport.write(slab.subarray(0, bytes), this.#landed);
  }

  readonly #landed = (): void => {
    const flight = this.#flights.shift();
    if (flight === undefined || this.#closed) return;
    this.#context.slabs.give(flight.slab);
    const now = this.#context.now();
    this.#slow = now - this.#flightStart > SLOW_WRITE_MS;
    this.#flightStart = now;
    this.#flightBytes = this.#flights.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#behind) this.#catchUp();
    else if (this.#used > 0 && !this.#due) this.flush();
  };

  /** Control frames first, then the two kinds of packets in turns: path discovery is protected, not preferred. */
  #catchUp(): void {
    for (const [subject, frame] of this.#control) {
      if (!this.#put(frame)) return;
      this.#control.delete(subject);
    }
    while (this.queuedPackets > 0) {
      const disco = this.#data.length === 0 || (this.#discoNext && this.#disco.length > 0);
      const queue = disco ? this.#disco : this.#data;
      const frame = queue.peek() as Buffer;
      if (!this.#put(frame)) return;
      queue.shift();
      this.#discoNext = !disco;
      this.#countSent(frame.length - PACKET_AT);
    }
    this.#behind = false;
  }

  /** The oldest write may take `writeTimeoutMs` for each 16 KiB of it. */
  readonly #checkDeadline = (): void => {
    this.#deadline = undefined;
    if (this.#flights.length === 0) return;
    const allowed = this.#writeTimeoutMs * Math.ceil(this.#flightBytes / RECORD_BYTES);
    const left = this.#flightStart + allowed - this.#context.now();
    if (left <= 0) this.#onStuck();
    else this.#deadline = setTimeout(this.#checkDeadline, left);
  };

  #countSent(bytes: number): void {
    this.#context.counters.packetsSent += 1;
    this.#context.counters.bytesSent += bytes;
  }

  readonly #countDrop = (frame: Buffer): void => {
    const disco = looksLikeDisco(frame, PACKET_AT, frame.length);
    this.#context.counters.drop("queue_head", disco, frame.length - PACKET_AT);
  };
}

/** A RecvPacket frame at `at`. */
function putPacket(into: Buffer, at: number, source: Buffer, bytes: Buffer, start: number, end: number): void {
  const keyAt = putHeader(into, at, FrameType.recvPacket, KEY_BYTES + end - start);
  into.set(source, keyAt);
  bytes.copy(into, keyAt + KEY_BYTES, start, end);
}
