/** Oldest client served: Tailscale 1.80. Source: tailscale tailcfg/tailcfg.go@de9ec7ee CurrentCapabilityVersion, tag v1.80.0. */
export const minCapabilityVersion = 113;
/** From here on `RegisterResponse` 429 with Retry-After is understood. */
export const retryAfterCapabilityVersion = 137;

/** First capability version of each stable release, for sentences that name a release. */
const releases: readonly (readonly [number, string])[] = [
  [142, "1.102"],
  [141, "1.100"],
  [138, "1.98"],
  [133, "1.96"],
  [131, "1.92"],
  [130, "1.90"],
  [125, "1.88"],
  [122, "1.86"],
  [116, "1.84"],
  [115, "1.82"],
  [113, "1.80"],
];

/** The Tailscale release that introduced `capabilityVersion` or the newest known before it. */
export function releaseOf(capabilityVersion: number): string {
  return releases.find(([version]) => version <= capabilityVersion)?.[1] ?? "before 1.80";
}
