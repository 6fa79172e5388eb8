import { type Key, key, type Reading } from "../key.ts";
import { duration } from "../kind/duration.ts";

export const nodeKeys = {
  "node.expiry": key(
    duration,
    "0",
    "After this time a node of a user has to log in again; 0: never. Tailscale's own service uses 180d. Tagged nodes never expire.",
  ),
  "node.ephemeral.inactivity_timeout": key(
    duration,
    "120s",
    "An ephemeral node is deleted when it was away for this long; more than 65s.",
  ),
  "node.routes.ha.probe_interval": key(
    duration,
    "10s",
    "How often routers that share a subnet are asked whether they are alive; 0: never, else 2s or more.",
  ),
  "node.routes.ha.probe_timeout": key(
    duration,
    "5s",
    "How long they may take to answer; 1s or more, less than probe_interval.",
  ),
  "preauth_keys.revoked_retention": key(
    duration,
    "168h",
    "How long a pre-auth key that was expired by hand stays in the list; 0: for ever.",
  ),
} satisfies Record<string, Key<unknown>>;

export interface NodeConfig {
  /** `undefined`: keys of nodes do not expire by themselves. */
  readonly expiryMs: number | undefined;
  readonly ephemeralTimeoutMs: number;
  /** `undefined`: no probing. */
  readonly probe: { readonly intervalMs: number; readonly timeoutMs: number } | undefined;
  /** `undefined`: for ever. */
  readonly revokedKeyRetentionMs: number | undefined;
}

/** A missed keep-alive and a few seconds: a shorter time deletes nodes that are only reconnecting. */
const leastEphemeralMs = 65_000;

export function nodeSection({ value, remarks }: Reading<typeof nodeKeys>): NodeConfig {
  const expiryMs = value["node.expiry"];
  const ephemeralTimeoutMs = value["node.ephemeral.inactivity_timeout"];
  if (ephemeralTimeoutMs <= leastEphemeralMs) {
    remarks.refuse(
      "node.ephemeral.inactivity_timeout",
      "is too short, it must be more than 65s: nodes that only reconnect would be deleted",
    );
  }
  const intervalMs = value["node.routes.ha.probe_interval"];
  const timeoutMs = value["node.routes.ha.probe_timeout"];
  if (intervalMs > 0 && intervalMs < 2000) remarks.refuse("node.routes.ha.probe_interval", "must be 0 or at least 2s");
  if (intervalMs > 0 && timeoutMs < 1000) remarks.refuse("node.routes.ha.probe_timeout", "must be at least 1s");
  if (intervalMs > 0 && timeoutMs >= intervalMs)
    remarks.refuse("node.routes.ha.probe_timeout", "must be less than node.routes.ha.probe_interval");
  return {
    expiryMs: expiryMs === 0 ? undefined : expiryMs,
    ephemeralTimeoutMs,
    probe: intervalMs === 0 ? undefined : { intervalMs, timeoutMs },
    revokedKeyRetentionMs: value["preauth_keys.revoked_retention"] || undefined,
  };
}
