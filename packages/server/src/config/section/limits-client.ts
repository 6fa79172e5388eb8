import { type Key, key } from "../key.ts";
import { byteSizeBetween } from "../kind/byte-size.ts";
import { durationBetween } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

const count = integer(1, 10_000_000);

/** What one machine may ask of the control protocol. Anybody can make a machine key, so inside Noise is not inside. */
export const clientLimitKeys = {
  "limits.sessions_per_machine": key(count, "16", "Noise connections of one machine key; a client uses up to three."),
  "limits.machine_body": key(
    byteSizeBetween("1KiB", "1GiB"),
    "1MiB",
    "Body of a request from a client (register, map).",
  ),
  "limits.logins_per_minute": key(
    count,
    "120",
    "Logins begun from one address (IPv6: /64) in a minute. How many wait at all: tuning.register_cache_max_entries.",
  ),
  "limits.client.endpoints": key(integer(1, 65_536), "512", "Addresses at which a node says it can be reached."),
  "limits.client.list_entries": key(
    integer(1, 65_536),
    "4096",
    "Routes, tags, services or SSH keys that a node says it has, each.",
  ),
  "limits.client.hostinfo_size": key(
    byteSizeBetween("1KiB", "16MiB"),
    "64KiB",
    "What peers may get to see of a node's own words.",
  ),
  "limits.client.request_window": key(
    byteSizeBetween("65535", "16MiB"),
    "64KiB",
    "Bytes of a request's body that may be under way inside Noise (HTTP/2 flow control).",
  ),
  "limits.client.websocket_message": key(
    byteSizeBetween("4KiB", "16MiB"),
    "16KiB",
    "WebSocket message of a client in a browser.",
  ),
  "limits.client.ping_interval": key(
    durationBetween("100ms", "1h"),
    "30s",
    "How often the connection of a client is asked whether it lives.",
  ),
  "limits.client.ping_timeout": key(
    durationBetween("10ms", "1h"),
    "20s",
    "For the answer; then the connection is closed.",
  ),
  "limits.client.idle_timeout": key(
    durationBetween("1s", "24h"),
    "5m",
    "A Noise connection is closed when it had no request for this time.",
  ),
  "limits.client.handshake_burst": key(
    count,
    "4096",
    "Noise handshakes from one address (IPv6: /64) at once, each 0.4ms of processor time. Behind a proxy that is not in trusted_proxies all clients have one address.",
  ),
  "limits.client.handshakes_per_second": key(count, "500", "…and then every second."),
  "limits.client.request_burst": key(count, "400", "Requests that one machine may make at once…"),
  "limits.client.requests_per_second": key(count, "20", "…and then every second; more are refused."),
  "limits.client.refusals": key(count, "100", "Requests refused for that after which a connection is closed."),
  "limits.client.map_burst": key(count, "60", "Map requests, updates included, that one machine may make at once…"),
  "limits.client.maps_per_second": key(
    count,
    "2",
    "…and then every second; more have to wait. An update costs all peers that see the machine.",
  ),
  "limits.client.unfinished_bodies": key(
    byteSizeBetween("64KiB", "1GiB"),
    "4MiB",
    "Request bodies of one machine that have begun to arrive; of machines that are not registered, all from one address.",
  ),
  "limits.client.write_timeout": key(
    durationBetween("1s", "1h"),
    "60s",
    "For 64KiB of a map to be taken by a client; then its stream is ended.",
  ),
  "limits.client.login_hold": key(
    durationBetween("10ms", "1h"),
    "10m",
    "How long a client that waits for its approval is held before it is answered and asks again.",
  ),
  "limits.client.ssh_check_hold": key(
    durationBetween("10ms", "1h"),
    "5m",
    "The same for an SSH connection that waits for its approval.",
  ),
  "limits.client.ssh_checks": key(count, "1024", "SSH connections that wait for an approval at the same time."),
  "limits.client.ssh_checks_per_node": key(count, "64", "The same of those to one node."),
  "limits.client.retry_after": key(
    durationBetween("1s", "1h"),
    "10s",
    "When a client that was one too many is told to come back.",
  ),
  "limits.client.questions": key(
    count,
    "4096",
    "Questions to nodes (`nodes ping`, liveness of routers) that wait for an answer.",
  ),
  "limits.stranger.connections": key(
    count,
    "1024",
    "Noise connections of machines that are not registered, from one address (IPv6: /64).",
  ),
  "limits.stranger.request_burst": key(count, "4096", "Requests of all of them at once…"),
  "limits.stranger.requests_per_second": key(count, "500", "…and then every second; more are refused."),
  "limits.stranger.streams": key(integer(1, 10_000), "16", "Requests at the same time on one such connection."),
  "limits.stranger.body": key(byteSizeBetween("4KiB", "1GiB"), "64KiB", "Body of such a request."),
} satisfies Record<string, Key<unknown>>;
