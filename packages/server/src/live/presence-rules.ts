import type { Hostinfo, MapRequest } from "@headscale/tailcfg";
import type { Presence } from "@headscale/tailnet";

/**
 * The presence after a client's report. A stream request of `control/tsp` carries zero values: what is absent never
 * overwrites what is known, and NetInfo known before survives a Hostinfo without it.
 */
export function afterReport(before: Presence, request: MapRequest): Presence {
  // A Hostinfo without a name is one that nobody filled in.
  const said = request.Hostinfo?.Hostname ? request.Hostinfo : undefined;
  const hostinfo = said ? mergeHostinfo(before.hostinfo, said) : before.hostinfo;
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

/** Keeps NetInfo when the new Hostinfo lacks it; the old object when nothing differs. */
export function mergeHostinfo(before: Hostinfo, after: Hostinfo): Hostinfo {
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
