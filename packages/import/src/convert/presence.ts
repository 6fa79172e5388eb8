import type { Hostinfo } from "@headscale/tailcfg";
import { decodeHostinfo } from "@headscale/tailcfg/codec";
import { DiscoKey } from "@headscale/tailcfg/keys";
import type { Presence } from "@headscale/tailnet";
import type { Row } from "#fields/row.ts";
import { keyText } from "./key-text.ts";

/** What a node last said of itself. What cannot be read of it is nothing: the client says it again when it connects. */
export function convertPresence(row: Row): Presence {
  const hostinfo = attempt(() => decodeHostinfo(row.json("host_info") ?? {})) ?? ({} as Hostinfo);
  const discoKey = attempt(() => row.parse("disco_key", (text) => DiscoKey.parse(keyText("discokey", text))));
  const lastSeen = row.moment("last_seen");
  return {
    online: false,
    ...(lastSeen !== undefined && { lastSeen }),
    ...(discoKey !== undefined && !DiscoKey.isZero(discoKey) && { discoKey }),
    endpoints: attempt(() => row.list("endpoints")) ?? [],
    homeDerp: hostinfo.NetInfo?.PreferredDERP ?? 0,
    hostinfo,
    capVersion: 0,
  };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
