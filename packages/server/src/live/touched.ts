import { isExpired, type Node, type Presence } from "@headscale/tailnet";
import { shownHostinfo } from "@headscale/tailnet/netmap";
import { touch } from "./touch.ts";

/** What of the record a change of the durable half touches. */
export function nodeBits(before: Node, after: Node, now: number): number {
  const same = (a: Node, b: Node) =>
    a.name === b.name &&
    a.owner === b.owner &&
    a.ipv4 === b.ipv4 &&
    a.ipv6 === b.ipv6 &&
    a.machineKey === b.machineKey &&
    isExpired(a, now) === isExpired(b, now);
  const patch =
    (before.nodeKey === after.nodeKey ? 0 : touch.nodeKey) | (before.expiry === after.expiry ? 0 : touch.keyExpiry);
  return same(before, after) ? patch : touch.record;
}

/** What of the record a change of presence touches. */
export function presenceBits(before: Presence, after: Presence): number {
  const differs = (name: "discoKey" | "homeDerp" | "capVersion" | "online" | "endpoints", bit: number) =>
    before[name] === after[name] ? 0 : bit;
  const hostinfo = before.hostinfo !== after.hostinfo && shown(before) !== shown(after) ? touch.record : 0;
  return (
    hostinfo |
    differs("discoKey", before.discoKey === undefined ? touch.record : touch.discoKey) |
    differs("homeDerp", touch.homeDerp) |
    differs("capVersion", touch.capVersion) |
    differs("online", touch.online) |
    differs("endpoints", touch.endpoints)
  );
}

function shown({ hostinfo }: Presence): string {
  return JSON.stringify(shownHostinfo(hostinfo));
}
