/** Why a packet was not delivered. Names as in derper's metrics (tailscale derpserver.go@de9ec7ee). */
export const DROP_REASONS = ["unknown_dest", "unknown_dest_on_fwd", "gone_disconnected", "queue_head"] as const;
export type DropReason = (typeof DROP_REASONS)[number];
export type PacketKind = "disco" | "other";

interface Amount {
  packets: number;
  bytes: number;
}

/** Everything a relay counts, from its start on. */
export class RelayCounters {
  accepted = 0;
  webSocketsAccepted = 0;
  fastStarts = 0;
  loginsRefused = 0;
  loginsFailed = 0;
  packetsReceived = 0;
  bytesReceived = 0;
  discoPacketsReceived = 0;
  packetsSent = 0;
  bytesSent = 0;
  packetsForwardedIn = 0;
  packetsForwardedOut = 0;
  homeMovesIn = 0;
  homeMovesOut = 0;
  pingsReceived = 0;
  pongsSent = 0;
  peerGoneDisconnected = 0;
  peerGoneNotHere = 0;
  unknownFrames = 0;
  writeTimeouts = 0;
  silentClientsCut = 0;
  rateLimitWaits = 0;
  readonly drops: Readonly<Record<DropReason, Readonly<Record<PacketKind, Amount>>>>;

  constructor() {
    const amount = (): Amount => ({ packets: 0, bytes: 0 });
    const kinds = () => ({ disco: amount(), other: amount() });
    this.drops = {
      unknown_dest: kinds(),
      unknown_dest_on_fwd: kinds(),
      gone_disconnected: kinds(),
      queue_head: kinds(),
    };
  }

  drop(reason: DropReason, disco: boolean, bytes: number): void {
    const amount = this.drops[reason][disco ? "disco" : "other"];
    amount.packets += 1;
    amount.bytes += bytes;
  }
}
