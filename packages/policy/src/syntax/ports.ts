import type { PortRange } from "@headscale/tailcfg";
import { quote } from "./quote.ts";

export const anyPort: PortRange = { First: 0, Last: 65535 };

/** Protocol and ports of one `ip` entry; `protocol` undefined = TCP, UDP and ICMP as clients take it. */
export interface ProtocolPorts {
  readonly protocol: number | undefined;
  readonly ports: readonly PortRange[];
}

/** Names clients know, and `fc`, which older headscale policies may hold. Source: tailscale types/ipproto@de9ec7ee. */
const protocolNumbers: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  fc: 133,
  gre: 47,
  icmp: 1,
  icmpv4: 1,
  icmpv6: 58,
  igmp: 2,
  igp: 9,
  "ip-in-ip": 4,
  ipv4: 4,
  "ipv6-icmp": 58,
  sctp: 132,
  tcp: 6,
  tsmp: 99,
  udp: 17,
};

const portProtocols: ReadonlySet<number | undefined> = new Set([undefined, 6, 17, 132]);

/** Whether the protocol knows ports at all. */
export function hasPorts(protocol: number | undefined): boolean {
  return portProtocols.has(protocol);
}

/** Number of a protocol by name or number; empty text and `0` mean none was chosen. */
export function parseProtocol(text: string): number | undefined | { readonly error: string } {
  if (text === "") return undefined;
  const known = protocolNumbers[text.toLowerCase()];
  if (known !== undefined && Object.hasOwn(protocolNumbers, text.toLowerCase())) return known;
  if (/^\d{1,9}$/.test(text) && Number(text) <= 255) return Number(text) || undefined;
  return { error: `proto name ${quote(text)} not known; use protocol number 0-255` };
}

/** `*`, or comma-separated ports and ranges. The error texts are those of clients and hosted service. */
export function parsePorts(text: string): readonly PortRange[] | { readonly error: string } {
  if (text === "*") return [anyPort];
  if (text === "") return { error: `invalid port list: ${quote(text)}` };
  const ranges: PortRange[] = [];
  for (const item of text.split(",")) {
    const range = parseRange(item);
    if ("error" in range) return { error: `port range ${quote(text)}: ${range.error}` };
    ranges.push(range);
  }
  return ranges;
}

function parseRange(text: string): PortRange | { readonly error: string } {
  const ends = text.split("-");
  if (ends.length > 2) return { error: "too many dashes(-)" };
  const first = parsePort(ends[0] as string);
  if (first === undefined) return { error: "invalid first integer" };
  const last = ends.length === 1 ? first : parsePort(ends[1] as string);
  if (last === undefined) return { error: "invalid last integer" };
  if (first === 0) return { error: "first port must be >0, or use '*' for wildcard" };
  // "must be >=" is what the service says, though it means "<=".
  return first > last ? { error: "first port must be >= last port" } : { First: first, Last: last };
}

function parsePort(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/** One `ip` entry of a grant: `*`, `PORTS`, `PROTO:*` or `PROTO:PORTS`. A bare number is a port, never a protocol. */
export function parseProtocolPorts(text: string): ProtocolPorts | { readonly error: string } {
  if (text === "") return { error: "empty string" };
  const lower = text.toLowerCase();
  const colon = lower.lastIndexOf(":");
  const ports = parsePorts(lower.slice(colon + 1));
  if ("error" in ports) return ports;
  if (colon < 0) return { protocol: undefined, ports };
  if (colon === 0) return { error: "empty protocol" };
  const name = lower.slice(0, colon);
  const protocol = name === "*" ? undefined : parseProtocol(name);
  return typeof protocol === "object" ? protocol : { protocol, ports };
}
