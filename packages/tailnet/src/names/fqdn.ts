import type { Tailnet } from "#tailnets/tailnet.ts";
import { defaultTailnetId } from "#world/ids.ts";

/** The MagicDNS suffix of a tailnet, without dots at its ends: the base domain, with the namespace before it unless it is the default one. */
export function suffixOf(tailnet: Tailnet, baseDomain: string): string {
  if (baseDomain === "") return "";
  return tailnet.id === defaultTailnetId ? baseDomain : `${tailnet.name}.${baseDomain}`;
}

/** `label.suffix.` with the trailing dot that clients expect; the bare label when there is no base domain. */
export function fqdnOf(label: string, suffix: string): string {
  return suffix === "" ? label : `${label}.${suffix}.`;
}
