import { isIPv4, isIPv6 } from "node:net";
import type { DERPNode } from "@headscale/tailcfg";
import type { StandaloneOptions } from "./options.ts";

const REGION_ID = 900;

/** What came of the options once the relay listens. */
export interface Served {
  /** Of a certificate that no authority vouches for. */
  readonly pin: string | undefined;
  readonly tlsPort: number;
  readonly stunPort: number | undefined;
}

/** What clients are to know of a relay. */
export function derpNode(
  { hostname, httpListen }: StandaloneOptions,
  { pin, tlsPort, stunPort = -1 }: Served,
): DERPNode {
  return {
    Name: "custom",
    RegionID: REGION_ID,
    HostName: hostname,
    ...(isIPv4(hostname) && { IPv4: hostname, IPv6: "none" }),
    ...(isIPv6(hostname) && { IPv4: "none", IPv6: hostname }),
    ...(pin && { CertName: pin }),
    ...(tlsPort !== 443 && { DERPPort: tlsPort }),
    ...(stunPort !== 3478 && { STUNPort: stunPort }),
    // Clients ask what IPv4 says, even "none". Source: tailscale net/captivedetection/endpoints.go@de9ec7ee.
    ...(httpListen?.port === 80 && !isIPv6(hostname) && { CanPort80: true }),
  };
}
