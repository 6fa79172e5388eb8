import type { Hostinfo, MapRequest } from "@headscale/tailcfg";
import type { Presence } from "@headscale/tailnet";

/**
 * The presence after a client's report. A stream request of `control/tsp` carries zero values: what is absent never
 * overwrites what is known, and NetInfo known before survives a Hostinfo without it.
 */
export function afterReport(before: Presence, request: MapRequest): Presence {
  const hostinfo = mergeHostinfo(before.hostinfo, request.Hostinfo ?? {});
  const takesEndpoints = request.Endpoints !== undefined && !(request.Stream && request.Endpoints.length === 0);
  return {
    ...before,
    hostinfo,
    homeDerp: hostinfo.NetInfo?.PreferredDERP || before.homeDerp,
    ...(request.DiscoKey !== undefined && { discoKey: request.DiscoKey }),
    endpoints: takesEndpoints ? sameSet(before.endpoints, request.Endpoints ?? []) : before.endpoints,
    capVersion: request.Version,
  };
}

/**
 * Keeps NetInfo when the new Hostinfo lacks it; the old object when nothing differs, and when the new one has no name:
 * nobody filled it in.
 */
export function mergeHostinfo(before: Hostinfo, after: Hostinfo): Hostinfo {
  if (!after.Hostname) return before;
  const merged =
    after.NetInfo === undefined && before.NetInfo !== undefined ? { ...after, NetInfo: before.NetInfo } : after;
  return JSON.stringify(before) === JSON.stringify(merged) ? before : merged;
}

/** The old list when both hold the same endpoints in whatever order: clients report them in any. */
function sameSet(before: readonly string[], after: readonly string[]): readonly string[] {
  if (before.length !== after.length) return after;
  const known = new Set(before);
  return after.every((endpoint) => known.has(endpoint)) ? before : after;
}
