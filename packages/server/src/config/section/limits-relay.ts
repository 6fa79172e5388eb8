import { type Key, key } from "../key.ts";
import { byteSizeBetween } from "../kind/byte-size.ts";
import { durationBetween } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

const count = integer(1, 10_000_000);
const wait = durationBetween("10ms", "1h");

/** What one client may cost the built-in relay. Sizes of packets and frames belong to the protocol. */
export const relayLimitKeys = {
  "limits.relay.connections": key(count, "16384", "Clients of the built-in relay."),
  "limits.relay.connections_per_address": key(
    count,
    "16384",
    "The same from one address, which may be a large network's.",
  ),
  "limits.relay.logins": key(count, "2000", "Connections whose login is not done yet."),
  "limits.relay.logins_per_address": key(count, "500", "The same from one address."),
  "limits.relay.login_timeout": key(wait, "10s", "For a login."),
  "limits.relay.login_size": key(
    byteSizeBetween("128", "256KiB"),
    "16KiB",
    "What a client says of itself; real ones need about a hundred bytes.",
  ),
  "limits.relay.verify_timeout": key(wait, "5s", "For finding out whether a client may enter; then it may not."),
  "limits.relay.refusal_memory": key(
    wait,
    "10s",
    "How long a refused client is refused without being looked up again.",
  ),
  "limits.relay.refusals": key(count, "4096", "Refused clients that are remembered; the oldest are forgotten first."),
  "limits.relay.rate": key(
    integer(0, 1_000_000_000_000),
    "0",
    "Bytes a second that one client may send; 0: any number. Clients are told, and slowed down, not cut.",
  ),
  "limits.relay.rate_burst": key(
    byteSizeBetween("64KiB", "1GiB"),
    "1MiB",
    "What it may send at once before limits.relay.rate holds.",
  ),
  "limits.relay.queue_packets": key(
    integer(1, 100_000),
    "32",
    "Packets that wait for one slow client, path discovery and the rest each; the oldest are dropped.",
  ),
  "limits.relay.queue_size": key(byteSizeBetween("64KiB", "1GiB"), "256KiB", "The same in bytes."),
  "limits.relay.write_timeout": key(wait, "2s", "For 16KiB to leave for a client; then it is cut."),
  "limits.relay.keep_alive_interval": key(
    durationBetween("100ms", "100s"),
    "60s",
    "A quiet client hears from the relay this often; it hangs up after 120s.",
  ),
  "limits.relay.tcp_keep_alive": key(
    durationBetween("1s", "12h"),
    "10m",
    "The kernel's keep-alive below it; each one wakes a sleeping phone.",
  ),
  "limits.relay.pong_timeout": key(wait, "30s", "For the answer to a ping; then a client is cut."),
  "limits.relay.absences": key(
    count,
    "3",
    "How often a client is told at once that a peer is not here; then once a second.",
  ),
  "limits.relay.restart_delay": key(
    durationBetween("0", "1h"),
    "1s",
    "When clients are told to come back after this server stopped.",
  ),
  "limits.relay.restart_patience": key(durationBetween("0", "1h"), "30s", "How long they are told to try."),
  "limits.relay.bootstrap_dns_interval": key(
    durationBetween("1s", "24h"),
    "10m",
    "How often names of relays are looked up for clients whose DNS does not work yet (/bootstrap-dns).",
  ),
  "limits.relay.bootstrap_dns_timeout": key(wait, "60s", "For looking one up."),
} satisfies Record<string, Key<unknown>>;
