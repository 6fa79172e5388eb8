import type { RelayCounters } from "./counters.ts";
import type { Session, SessionContext } from "./session.ts";

/** What is, beside what was counted since the start. */
export interface RelayStats extends Readonly<Omit<RelayCounters, "drop">> {
  readonly connections: number;
  readonly pendingLogins: number;
  readonly homeConnections: number;
  readonly notIdealConnections: number;
  readonly watchers: number;
  /** Keys with a connection here; with one only at other relays of the region; with two or more here. */
  readonly localKeys: number;
  readonly remoteKeys: number;
  readonly duplicateKeys: number;
  readonly duplicateConnections: number;
  /** Bytes of clients' data in the relay's memory, the kernel's not counted. */
  readonly heldBytes: number;
  readonly queuedPackets: number;
}

/** Costs a walk over all connections and keys: for a scrape, not for each packet. */
export function relayStats(sessions: Iterable<Session>, { switchboard, counters }: SessionContext): RelayStats {
  const connections = { connections: 0, pendingLogins: 0, homeConnections: 0, notIdealConnections: 0 };
  let heldBytes = 0;
  let queuedPackets = 0;
  for (const session of sessions) {
    heldBytes += session.heldBytes;
    const { connection } = session;
    if (connection === undefined) connections.pendingLogins += 1;
    else {
      connections.connections += 1;
      queuedPackets += connection.outbox.queuedPackets;
      if (connection.isHome) connections.homeConnections += 1;
      if (connection.isNotIdeal) connections.notIdealConnections += 1;
    }
  }
  const keys = { localKeys: 0, remoteKeys: 0, duplicateKeys: 0, duplicateConnections: 0 };
  for (const peer of switchboard.peers()) {
    const here = peer.connections.length;
    if (here > 0) keys.localKeys += 1;
    else keys.remoteKeys += 1;
    if (here > 1) {
      keys.duplicateKeys += 1;
      keys.duplicateConnections += here;
    }
  }
  return { ...counters, ...connections, ...keys, watchers: switchboard.watchers, heldBytes, queuedPackets };
}
