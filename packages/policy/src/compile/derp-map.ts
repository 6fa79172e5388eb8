import type { DERPMap } from "@headscale/tailcfg";
import type { Policy } from "#syntax/policy-document.ts";

/** The relays of a tailnet: the server's, with what the policy's `derpMap` adds, replaces and takes away. */
export function derpMapUnder(policy: Policy | undefined, base: DERPMap): DERPMap {
  const edit = policy?.derpMap;
  if (edit === undefined) return base;
  const own = [...edit.regions].filter(([, region]) => region !== undefined);
  const kept = edit.omitDefaultRegions && own.length > 0 ? {} : base.Regions;
  const others = Object.entries(kept).filter(([id]) => !edit.regions.has(Number(id)));
  const regions = [...others, ...own.map(([id, region]) => [String(id), region] as const)];
  return {
    ...base,
    Regions: Object.fromEntries(regions) as DERPMap["Regions"],
    ...(edit.regionScores && { HomeParams: { RegionScore: edit.regionScores } }),
  };
}
