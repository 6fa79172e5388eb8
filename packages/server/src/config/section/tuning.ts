import { type Key, key, type Reading } from "../key.ts";
import { duration, durationBetween } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

export const tuningKeys = {
  "tuning.batch_change_delay": key(
    duration,
    "5ms",
    "Changes that follow each other within this time go out together; a lone change goes out at once. The busier the server, the longer this gets by itself, up to a second.",
  ),
  "tuning.keep_alive_interval": key(
    duration,
    "50s",
    "A quiet client hears from the server this often; proxies often cut at 60s.",
  ),
  "tuning.keep_alive_spread": key(
    durationBetween("0", "30s"),
    "9s",
    "Up to this much later, so that streams opened at once do not stay in step.",
  ),
  "tuning.offline_grace": key(
    durationBetween("0", "1h"),
    "10s",
    "A node without a connection is shown as online for this long: clients that change networks are back by then.",
  ),
  "tuning.api_key_use_interval": key(
    durationBetween("1s", "24h"),
    "30s",
    "How often it is written down when API keys were used.",
  ),
  "tuning.certificate_poll_interval": key(
    durationBetween("100ms", "24h"),
    "10s",
    "How often tls_cert_path and tls_key_path are looked at.",
  ),
  "tuning.presence_flush_interval": key(
    duration,
    "10s",
    "How often last-seen times and endpoints are written down. On PostgreSQL, where replicas wait for them, at once.",
  ),
  "tuning.replica_lease": key(
    durationBetween("1s", "10m"),
    "30s",
    "On PostgreSQL: a server that was not heard of for this long is gone, and the nodes that were connected to it are offline.",
  ),
  "tuning.register_cache_expiration": key(duration, "15m", "How long a login waits for its approval."),
  "tuning.register_cache_max_entries": key(
    integer(0, 10_000_000),
    "1024",
    "Logins that wait at the same time; one more is told to come back later, and those that wait stay. 0 means 1024.",
  ),
} satisfies Record<string, Key<unknown>>;

export interface TuningConfig {
  readonly changeWindowMs: number;
  readonly keepAliveMs: number;
  readonly keepAliveSpreadMs: number;
  readonly offlineGraceMs: number;
  readonly certificatePollMs: number;
  readonly keyUseFlushMs: number;
  readonly presenceFlushMs: number;
  readonly replicaLeaseMs: number;
  readonly pendingLoginMs: number;
  readonly pendingLogins: number;
}

const zeroMeans = { pendingLoginMs: 900_000, pendingLogins: 1024 };

export function tuningSection({ value, remarks }: Reading<typeof tuningKeys>): TuningConfig {
  const keepAliveMs = value["tuning.keep_alive_interval"];
  if (keepAliveMs < 5000 || keepAliveMs > 60_000) {
    remarks.refuse(
      "tuning.keep_alive_interval",
      "must be from 5s to 60s: clients give a silent server up after two minutes",
    );
  }
  if (value["tuning.presence_flush_interval"] < 100)
    remarks.refuse("tuning.presence_flush_interval", "must be at least 100ms");
  if (value["tuning.batch_change_delay"] > 10_000) remarks.refuse("tuning.batch_change_delay", "must be at most 10s");
  return {
    changeWindowMs: value["tuning.batch_change_delay"],
    keepAliveMs,
    keepAliveSpreadMs: value["tuning.keep_alive_spread"],
    offlineGraceMs: value["tuning.offline_grace"],
    certificatePollMs: value["tuning.certificate_poll_interval"],
    keyUseFlushMs: value["tuning.api_key_use_interval"],
    presenceFlushMs: value["tuning.presence_flush_interval"],
    replicaLeaseMs: value["tuning.replica_lease"],
    pendingLoginMs: value["tuning.register_cache_expiration"] || zeroMeans.pendingLoginMs,
    pendingLogins: value["tuning.register_cache_max_entries"] || zeroMeans.pendingLogins,
  };
}
