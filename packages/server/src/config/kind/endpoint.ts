import { isIP } from "node:net";
import { type Kind, scalar } from "./kind.ts";

/** Where to listen. No `host` means every address of both families. */
export interface Endpoint {
  readonly host?: string;
  readonly port: number;
}

/** Go resolves service names in addresses; these two are the ones that documentation uses. */
const namedPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

const hostName = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/;

function parsePort(written: string): number | undefined {
  const port = namedPorts[written] ?? (/^\d{1,5}$/.test(written) ? Number(written) : Number.NaN);
  return port <= 65_535 ? port : undefined;
}

/** Reads `host:port`, `:port`, `[v6]:port` and `:http`. */
export function parseEndpoint(written: string): Endpoint | undefined {
  const [, bracketed, bare = "", portText = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(written) ?? [];
  const port = parsePort(portText);
  if (port === undefined) return undefined;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined;
  if (bare === "") return { port };
  return isIP(bare) === 4 || hostName.test(bare) ? { host: bare, port } : undefined;
}

export function formatEndpoint({ host = "", port }: Endpoint): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

export const endpoint: Kind<Endpoint> = scalar(
  "an address to listen on, such as 127.0.0.1:8080, [::]:8080 or :8080",
  parseEndpoint,
);
