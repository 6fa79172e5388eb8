import { isIP } from "node:net";
import { type Prefix, tryParsePrefix } from "@headscale/netip";
import { parseEndpoint } from "./endpoint.ts";
import { type Kind, scalar } from "./kind.ts";

/** A range of addresses; bits behind its length are cleared. */
export const prefix: Kind<Prefix> = scalar("a range of addresses such as 10.0.0.0/8 or fd00::/8", (written) =>
  tryParsePrefix(written, { hostBits: "mask" }),
);

/** Sources to be believed. The whole internet is no such list, and upstream refuses it too (hscontrol/types/config.go@f20f1f12). */
export const trustedPrefix: Kind<Prefix> = scalar(
  "a range of addresses such as 127.0.0.1/32, narrower than /0",
  (written) => {
    const range = tryParsePrefix(isIP(written) === 0 ? written : `${written}/${isIP(written) === 4 ? 32 : 128}`, {
      hostBits: "mask",
    });
    return range?.endsWith("/0") ? undefined : range;
  },
);

/** Whether a client can use this as a resolver: an address, an address with port, or DNS over HTTPS. */
export function isNameserver(written: string): boolean {
  if (isIP(written) !== 0) return true;
  const { host } = parseEndpoint(written) ?? {};
  if (host !== undefined && isIP(host) !== 0) return true;
  return /^https?:\/\//.test(written) && URL.canParse(written);
}

export const address: Kind<string> = scalar("an IP address", (written) => (isIP(written) === 0 ? undefined : written));

/** A DNS name as written in a certificate: labels of letters, digits and hyphens, no final dot, lower-cased. */
export function parseDomain(written: string): string | undefined {
  const domain = written.toLowerCase();
  const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
  return domain.length <= 253 && domain.split(".").every((part) => label.test(part)) ? domain : undefined;
}

export const domain: Kind<string> = scalar("a domain name without a final dot, such as example.com", parseDomain);

/** What a certificate is asked for: a domain name or an address. */
export const certificateName: Kind<string> = scalar("a domain name or an IP address", (written) =>
  isIP(written) === 0 ? parseDomain(written) : written,
);
