import { isIP } from "node:net";
import type { DERPNode, DERPRegion } from "@headscale/tailcfg";
import type { EmbeddedRelayConfig } from "#config/section/derp.ts";

/** What the region follows from besides its own settings. */
export interface RelayPlace {
  /** Of the URL that clients know: a name or an address. */
  readonly host: string;
  /** Of the same. */
  readonly port: number;
  /** `sha256-raw:…` of a self-made certificate; absent where a public one is served. */
  readonly pin: string | undefined;
  /** Where STUN is answered; `undefined`: nowhere. */
  readonly stunPort: number | undefined;
}

/** The name a relay goes by where clients could not use its address as one; its certificate is for it. */
const nameForAddress = "headscale-relay.invalid";

/**
 * For what a relay's self-made certificate is. Clients send no server name to an IPv4 address and then check none; an IPv6
 * address does not fit into the URL that clients before 1.100 make of a relay's name, so such a relay goes by a name.
 * Source: tailscale derp/derphttp/derphttp_client.go@de9ec7ee.
 */
export function pinnedName(host: string): string {
  return isIP(host) === 6 ? nameForAddress : host;
}

/** The region of the embedded relay as clients get it: by name with a public certificate, else pinned. */
export function embeddedRegion(relay: EmbeddedRelayConfig, place: RelayPlace): DERPRegion {
  const { pin, port, stunPort } = place;
  return {
    RegionID: relay.regionId,
    RegionCode: relay.regionCode,
    RegionName: relay.regionName,
    Nodes: [
      {
        Name: String(relay.regionId),
        RegionID: relay.regionId,
        HostName: hostName(place),
        ...(pin !== undefined && { CertName: pin }),
        ...addresses(relay, place.host),
        ...(port !== 443 && { DERPPort: port }),
        STUNPort: stunPort ?? -1,
      },
    ],
  };
}

function hostName({ host, port, pin }: RelayPlace): string {
  if (isIP(host) !== 6) return host;
  if (pin !== undefined) return pinnedName(host);
  // Clients add brackets when they add a port, and otherwise write the name into their URL as it is.
  return port === 443 ? `[${host}]` : host;
}

/** Where `host` is an address, the other family is switched off: there is no name to look up. */
function addresses(relay: EmbeddedRelayConfig, host: string): Pick<DERPNode, "IPv4" | "IPv6"> {
  const family = isIP(host);
  const ipv4 = relay.ipv4 ?? (family === 4 ? host : family === 6 ? "none" : undefined);
  const ipv6 = relay.ipv6 ?? (family === 6 ? host : family === 4 ? "none" : undefined);
  return { ...(ipv4 !== undefined && { IPv4: ipv4 }), ...(ipv6 !== undefined && { IPv6: ipv6 }) };
}
