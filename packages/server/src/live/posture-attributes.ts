import type { AttributeValue, NodeAttribute } from "@headscale/policy";
import type { Hostinfo } from "@headscale/tailcfg";

/** What a client's own report says for postures. Absent where it says nothing: nothing is assumed of such a device. */
export function postureAttributes(hostinfo: Hostinfo): Readonly<Record<string, AttributeValue>> {
  const { OS, OSVersion, IPNVersion, AllowsUpdate, StateEncrypted } = hostinfo;
  const attributes: Partial<Record<NodeAttribute, AttributeValue | undefined>> = {
    "node:os": OS?.toLowerCase(),
    "node:osVersion": OSVersion,
    "node:tsVersion": /^\d+\.\d+\.\d+/.exec(IPNVersion ?? "")?.[0],
    "node:tsReleaseTrack": releaseTrack(IPNVersion ?? ""),
    "node:tsAutoUpdate": OS === undefined ? undefined : AllowsUpdate === true,
    "node:tsStateEncrypted": typeof StateEncrypted === "boolean" ? StateEncrypted : undefined,
  };
  const known = Object.entries(attributes).filter((entry): entry is [string, AttributeValue] =>
    Boolean(entry[1] !== undefined && entry[1] !== ""),
  );
  return Object.fromEntries(known);
}

/** Whether policies see the same device in two reports. */
export function sameAttributes(a: Hostinfo, b: Hostinfo): boolean {
  return a === b || (a.OS === b.OS && JSON.stringify(postureAttributes(a)) === JSON.stringify(postureAttributes(b)));
}

/** Odd minor versions are development versions. Source: tailscale version/prop.go@de9ec7ee IsUnstableBuild. */
function releaseTrack(version: string): string | undefined {
  const minor = /^\d+\.(\d+)\.\d+/.exec(version)?.[1];
  if (minor === undefined) return undefined;
  return Number(minor) % 2 === 1 ? "unstable" : "stable";
}
