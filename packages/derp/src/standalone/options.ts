import { isIPv6 } from "node:net";
import { parseArgs } from "node:util";

/** How a stand-alone relay was asked to run. */
export interface StandaloneOptions {
  readonly hostname: string;
  readonly listen: Listen;
  readonly stunListen: Listen | undefined;
  readonly httpListen: Listen | undefined;
  readonly metricsListen: Listen | undefined;
  /** Keeps the relay's key and its self-signed certificate; without it both are new at each start. */
  readonly stateDir: string | undefined;
  readonly certificate: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly meshKeyFile: string | undefined;
  readonly meshWith: readonly string[];
  readonly verifyUrl: string | undefined;
  readonly verifyFailOpen: boolean;
  readonly bootstrapNames: readonly string[];
  readonly unpublishedBootstrapNames: readonly string[];
  readonly rateConfigFile: string | undefined;
}

/** `host` is undefined for all addresses. */
export interface Listen {
  readonly host: string | undefined;
  readonly port: number;
}

/** A flag is missing or wrong; the message names it. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

export const USAGE = `usage: headscale-derp --hostname NAME-OR-IP [flags]

  --hostname H            what clients call this relay; an IP address needs no DNS
  --listen [HOST]:PORT    TLS (default :443)
  --stun-listen [HOST]:PORT|off   UDP (default :3478)
  --http-listen [HOST]:PORT|off   captive-portal check and redirect (default off; :80 is what clients ask)
  --metrics-listen HOST:PORT|off  Prometheus text at /metrics (default off)
  --state-dir DIR         keeps the relay's key and self-signed certificate
  --cert FILE --key FILE  PEM; without them a self-signed certificate is made, which clients accept by its pin
  --mesh-psk-file FILE    64 hex digits shared by the relays of the region
  --mesh-with A,B/DIAL    other relays of the region, perhaps dialled under another name
  --verify-client-url URL ask this URL who may enter (default: everybody)
  --verify-client-url-fail-closed   keep clients out when it does not answer
  --bootstrap-dns-names A,B  --unpublished-bootstrap-dns-names C,D
  --rate-config FILE      {"PerClientRateLimitBytesPerSec":n,"PerClientRateBurstBytes":n}

SIGHUP reads certificate, key and rate config again.
`;

/** @throws {OptionError} */
export function parseOptions(args: readonly string[]): StandaloneOptions {
  const flags = readFlags(args);
  if (!flags.hostname) throw new OptionError("--hostname is missing");
  if ((flags.cert === undefined) !== (flags.key === undefined)) throw new OptionError("--cert and --key go together");
  const listen = listenFlag("listen", flags.listen) ?? { host: undefined, port: 443 };
  if (isIPv6(flags.hostname) && listen.port === 443)
    throw new OptionError(
      "--hostname: clients cannot dial an IPv6 address at port 443; give a name, or another --listen port",
    );
  const meshWith = list(flags["mesh-with"]);
  if (meshWith.length > 0 && flags["mesh-psk-file"] === undefined)
    throw new OptionError("--mesh-with needs --mesh-psk-file");
  return {
    hostname: flags.hostname,
    listen,
    stunListen: listenFlag("stun-listen", flags["stun-listen"]),
    httpListen: listenFlag("http-listen", flags["http-listen"]),
    metricsListen: listenFlag("metrics-listen", flags["metrics-listen"]),
    stateDir: flags["state-dir"],
    certificate: flags.cert && flags.key ? { certFile: flags.cert, keyFile: flags.key } : undefined,
    meshKeyFile: flags["mesh-psk-file"],
    meshWith,
    verifyUrl: flags["verify-client-url"],
    verifyFailOpen: flags["verify-client-url-fail-closed"] !== true,
    bootstrapNames: list(flags["bootstrap-dns-names"]),
    unpublishedBootstrapNames: list(flags["unpublished-bootstrap-dns-names"]),
    rateConfigFile: flags["rate-config"],
  };
}

function readFlags(args: readonly string[]) {
  const string = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        hostname: string,
        listen: { ...string, default: ":443" },
        "stun-listen": { ...string, default: ":3478" },
        "http-listen": { ...string, default: "off" },
        "metrics-listen": { ...string, default: "off" },
        "state-dir": string,
        cert: string,
        key: string,
        "mesh-psk-file": string,
        "mesh-with": string,
        "verify-client-url": string,
        "verify-client-url-fail-closed": { type: "boolean" },
        "bootstrap-dns-names": string,
        "unpublished-bootstrap-dns-names": string,
        "rate-config": string,
      },
    }).values;
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function list(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((name) => name !== "");
}

/** `:443`, `10.0.0.1:443`, `[::1]:443` or `off`. */
function listenFlag(name: string, text: string): Listen | undefined {
  if (text === "off") return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || port > 65_535) throw new OptionError(`--${name}: not [HOST]:PORT`);
  return { host: match[1] ?? (match[2] || undefined), port };
}
