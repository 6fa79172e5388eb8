import { isIP } from "node:net";
import { EdgeError } from "./edge-error.ts";

export interface TcpAddress {
  readonly kind: "tcp";
  /** Absent: every address of both families. */
  readonly host?: string;
  readonly port: number;
  /** Leaves IPv4 to another listener of the same port. */
  readonly ipv6Only?: boolean;
}

/** Where to listen. */
export type ListenAddress =
  | {
      readonly kind: "tcp" /** Absent: every address of both families. */;
      readonly host?: string;
      readonly port: number;
    }
  | { readonly kind: "unix"; readonly path: string /** File mode, for example 0o770. */; readonly mode: number }
  /** A socket that systemd opened for us. */
  | { readonly kind: "inherited"; readonly fd: number; readonly name: string };

const namedPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Reads Go's form, which headscale's keys have: `host:port`, `[v6]:port`, `:port`, `:http`. @throws {EdgeError} naming `setting` */
export function parseListenAddress(setting: string, text: string): ListenAddress {
  const [, bracketed, plain, portText = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([a-z]+|\d{1,5})$/.exec(text) ?? [];
  const port = namedPorts[portText] ?? (/^\d+$/.test(portText) ? Number(portText) : Number.NaN);
  const host = bracketed ?? plain;
  const bad = host === undefined || !(port <= 65_535) || (bracketed !== undefined && isIP(bracketed) !== 6);
  if (bad) throw new EdgeError("bad-address", `${setting} "${text}" is not host:port, [IPv6]:port or :port`);
  return { kind: "tcp", port, ...(host !== "" && { host }) };
}

/** As one would write it. */
export function showListenAddress(address: ListenAddress): string {
  if (address.kind === "unix") return address.path;
  if (address.kind === "inherited") return `the inherited socket ${address.name}`;
  const { host, port } = address;
  if (host === undefined) return `port ${port}`;
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
