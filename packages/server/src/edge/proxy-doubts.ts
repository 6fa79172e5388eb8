import { type AddressSet, addressSet } from "./addresses.ts";

export interface ProxyDoubt {
  /** It and the configuration disagree about PROXY headers, or it sends forwarding headers and is not trusted. */
  readonly kind: "proxy-header-missing" | "proxy-header-unasked" | "proxy-untrusted";
  readonly address: string;
}

/** Addresses remembered for having been told of: whoever wants to fill the log runs out of them. */
const maxTold = 64;

/** Loopback, RFC 1918, RFC 6598, RFC 4193: where one's own proxies are. Anybody else may send forwarding headers for fun. */
const nearby: AddressSet = addressSet("nearby", [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "::1",
  "fc00::/7",
]);

export function isNearby(address: string | undefined): boolean {
  return nearby.has(address);
}

/** Tells an operator, once for each address, what he seems to have forgotten about a proxy. */
export class ProxyDoubts {
  readonly #told = new Set<string>();
  readonly #tell: (doubt: ProxyDoubt) => void;

  constructor(tell: (doubt: ProxyDoubt) => void) {
    this.#tell = tell;
  }

  tell(kind: ProxyDoubt["kind"], address: string | undefined): void {
    const doubt = `${kind} ${address}`;
    if (address === undefined || this.#told.has(doubt) || this.#told.size >= maxTold) return;
    this.#told.add(doubt);
    this.#tell({ kind, address });
  }
}
