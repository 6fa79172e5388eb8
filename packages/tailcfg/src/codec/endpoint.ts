import { tryParseAddr } from "@headscale/netip";

const form = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/;

/** Whether `text` is `1.2.3.4:5` or `[2001:db8::1]:5`, as Go's `netip.AddrPort` reads it, without a zone. */
export function isEndpoint(text: string): boolean {
  const [, v6, v4, port] = form.exec(text) ?? [];
  const host = v6 ?? v4;
  if (host === undefined || Number(port) > 65_535) return false;
  // Brackets belong around IPv6 and only there.
  return tryParseAddr(host) !== undefined && host.includes(":") === (v6 !== undefined);
}
