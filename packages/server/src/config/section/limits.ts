import { type Key, key, type Reading } from "../key.ts";
import { byteSize } from "../kind/byte-size.ts";
import { duration } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

const count = integer(1, 10_000_000);

export const limitKeys = {
  "limits.connections": key(count, "65536", "Connections at the same time."),
  "limits.connections_per_address": key(count, "4096", "The same from one address (IPv6: one /64 network)."),
  "limits.handshake_timeout": key(
    duration,
    "10s",
    "For the first bytes, the PROXY header, the TLS and the Noise handshake, each.",
  ),
  "limits.header_timeout": key(duration, "10s", "For the head of an HTTP request."),
  "limits.request_timeout": key(duration, "60s", "For a whole HTTP request to arrive."),
  "limits.header_size": key(byteSize, "16KiB", "Head of an HTTP request."),
  "limits.http2_streams": key(integer(1, 10_000), "128", "Requests at the same time on one HTTP/2 connection."),
  "limits.http2_idle_timeout": key(
    duration,
    "60s",
    "An HTTP/2 connection without a request is closed after this time.",
  ),
  "limits.machine_body": key(byteSize, "1MiB", "Body of a request from a client (register, map)."),
  "limits.api_body": key(byteSize, "4MiB", "Body of an API request; also the largest policy."),
  "limits.verify_body": key(byteSize, "4KiB", "Body of a relay's question to /verify."),
  "limits.sessions_per_machine": key(count, "16", "Noise connections of one machine key; a client uses up to three."),
  "limits.logins_per_minute": key(count, "120", "Logins that wait for approval, begun from one address in a minute."),
  "limits.watchers": key(count, "256", "Open Watch streams of the API."),
  "limits.relay_connections": key(count, "16384", "Clients of the built-in relay."),
  "limits.fetch_timeout": key(duration, "30s", "For fetching a relay map or talking to an identity provider."),
  "limits.fetch_size": key(byteSize, "4MiB", "Answer of such a request."),
  "limits.shutdown_timeout": key(duration, "3s", "For requests in flight when the server is told to stop."),
} satisfies Record<string, Key<unknown>>;

/** Every count, size and time that keeps one client from hurting the others. */
export interface LimitsConfig {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly handshakeTimeoutMs: number;
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly headerBytes: number;
  readonly http2Streams: number;
  readonly http2IdleMs: number;
  readonly machineBodyBytes: number;
  readonly apiBodyBytes: number;
  readonly verifyBodyBytes: number;
  readonly sessionsPerMachine: number;
  readonly loginsPerMinute: number;
  readonly watchers: number;
  readonly relayConnections: number;
  readonly fetchTimeoutMs: number;
  readonly fetchBytes: number;
  readonly shutdownTimeoutMs: number;
}

export function limitsSection({ value, remarks }: Reading<typeof limitKeys>): LimitsConfig {
  for (const [name, ms] of Object.entries(value)) {
    if (name.endsWith("_timeout") && ms === 0)
      remarks.refuse(name, "must be longer than 0: without a limit one client could hold a connection for ever");
  }
  return {
    connections: value["limits.connections"],
    connectionsPerAddress: value["limits.connections_per_address"],
    handshakeTimeoutMs: value["limits.handshake_timeout"],
    headerTimeoutMs: value["limits.header_timeout"],
    requestTimeoutMs: value["limits.request_timeout"],
    headerBytes: value["limits.header_size"],
    http2Streams: value["limits.http2_streams"],
    http2IdleMs: value["limits.http2_idle_timeout"],
    machineBodyBytes: value["limits.machine_body"],
    apiBodyBytes: value["limits.api_body"],
    verifyBodyBytes: value["limits.verify_body"],
    sessionsPerMachine: value["limits.sessions_per_machine"],
    loginsPerMinute: value["limits.logins_per_minute"],
    watchers: value["limits.watchers"],
    relayConnections: value["limits.relay_connections"],
    fetchTimeoutMs: value["limits.fetch_timeout"],
    fetchBytes: value["limits.fetch_size"],
    shutdownTimeoutMs: value["limits.shutdown_timeout"],
  };
}
