import { type Key, key, optional, type Reading } from "../key.ts";
import { duration } from "../kind/duration.ts";
import { type Endpoint, endpoint } from "../kind/endpoint.ts";
import { flag, integer, listOf, path, text } from "../kind/kind.ts";
import { address } from "../kind/network.ts";
import type { Place } from "../place.ts";

export const derpKeys = {
  "derp.server.enabled": optional(
    flag,
    { derived: "true" },
    "Run the built-in relay. Default: true while derp.urls and derp.paths are empty, else false.",
  ),
  "derp.server.region_id": key(
    integer(1, 65_535),
    "999",
    "Region of the built-in relay; replaces a region of the same id from elsewhere.",
  ),
  "derp.server.region_code": key(text, "headscale", "Short name of the region."),
  "derp.server.region_name": key(text, "Headscale Embedded DERP", "Name of the region as clients show it."),
  "derp.server.verify_clients": key(flag, "true", "Relay only for nodes of this server."),
  "derp.server.stun_listen_addr": key(
    listOf(endpoint),
    ["0.0.0.0:3478", "[::]:3478"],
    "Where STUN (UDP) is answered: one address or a list.",
  ),
  "derp.server.stun.enabled": key(flag, "true", "Answer STUN at all."),
  "derp.server.private_key_path": optional(
    path,
    { derived: "./data/derp_server_private.key" },
    "The relay's key. Made when missing.",
  ),
  "derp.server.automatically_add_embedded_derp_region": key(
    flag,
    "true",
    "Put the built-in relay into the map by itself; with false, a file in derp.paths has to.",
  ),
  "derp.server.ipv4": optional(
    address,
    { example: "198.51.100.1" },
    "Public IPv4 address of the relay, so that clients reach it while DNS does not work.",
  ),
  "derp.server.ipv6": optional(address, { example: "2001:db8::1" }, "Public IPv6 address of the relay."),
  "derp.urls": key(
    listOf(text),
    [],
    "Relay maps (JSON) to fetch, such as https://controlplane.tailscale.com/derpmap/default.",
  ),
  "derp.paths": key(
    listOf(path),
    [],
    "Relay maps (YAML) in files, read again when they change. A later source replaces regions of an earlier one; the built-in relay comes last, and derpMap of a policy edits the whole for its tailnet.",
  ),
  "derp.auto_update_enabled": key(
    flag,
    "false",
    "Fetch derp.urls again from time to time. One that failed is asked again in any case.",
  ),
  "derp.update_frequency": key(duration, "3h", "How often; 0 turns it off."),
} satisfies Record<string, Key<unknown>>;

export interface EmbeddedRelayConfig {
  readonly regionId: number;
  readonly regionCode: string;
  readonly regionName: string;
  readonly verifyClients: boolean;
  /** Empty: no STUN. */
  readonly stunListen: readonly Endpoint[];
  readonly privateKeyPath: string;
  readonly addToMap: boolean;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

export interface DerpConfig {
  readonly server: EmbeddedRelayConfig | undefined;
  readonly urls: readonly string[];
  readonly paths: readonly string[];
  /** `undefined`: URLs are asked once, at start. */
  readonly refreshMs: number | undefined;
}

type DerpReading = Reading<typeof derpKeys>;

export function derpSection(reading: DerpReading, place: Place, serverUrl: string): DerpConfig {
  const { value, remarks } = reading;
  const urls = value["derp.urls"].filter((url, index) => {
    const isUsable = /^https?:\/\//.test(url) && URL.canParse(url);
    if (!isUsable)
      remarks.warn(`derp.urls[${index}]`, "is not a URL that starts with https:// or http://, and is skipped");
    return isUsable;
  });
  const paths = value["derp.paths"].map((written) => place.resolve(written));
  const runsServer = value["derp.server.enabled"] ?? urls.length + paths.length === 0;
  if (!runsServer && urls.length + paths.length === 0) {
    remarks.refuse(
      "derp.server.enabled",
      "is false and there is no other relay: write true, or name a map in derp.urls or derp.paths",
    );
  }
  if (runsServer && value["derp.server.automatically_add_embedded_derp_region"] && !canDialRelay(serverUrl)) {
    remarks.warn(
      "server_url",
      "names an IPv6 address at port 443, where clients cannot dial the built-in relay: write a host name, or another port",
    );
  }
  const refreshMs = value["derp.update_frequency"];
  return {
    server: runsServer ? embeddedRelay(reading, place) : undefined,
    urls,
    paths,
    refreshMs: value["derp.auto_update_enabled"] && refreshMs > 0 ? refreshMs : undefined,
  };
}

/** Clients leave the usual port out and the brackets too. Source: tailscale derp/derphttp/derphttp_client.go urlString@de9ec7ee. */
function canDialRelay(serverUrl: string): boolean {
  const { protocol, hostname, port } = new URL(serverUrl);
  return !hostname.startsWith("[") || (port === "" ? protocol !== "https:" : port !== "443");
}

function embeddedRelay({ value, stated, remarks }: DerpReading, place: Place): EmbeddedRelayConfig {
  const addToMap = value["derp.server.automatically_add_embedded_derp_region"];
  if (!addToMap && value["derp.paths"].length === 0) {
    remarks.refuse(
      "derp.paths",
      "is empty: with automatically_add_embedded_derp_region: false it must name the file that describes the built-in relay",
    );
  }
  const isRegion = Number(value["derp.server.region_id"]) >= 900;
  if (stated.has("derp.server.region_id") && !isRegion) {
    remarks.note(
      "derp.server.region_id",
      "numbers below 900 belong to Tailscale's own relays; 900 to 999 are free for private use",
    );
  }
  return {
    regionId: value["derp.server.region_id"],
    regionCode: value["derp.server.region_code"],
    regionName: value["derp.server.region_name"],
    verifyClients: value["derp.server.verify_clients"],
    stunListen: value["derp.server.stun.enabled"] ? value["derp.server.stun_listen_addr"] : [],
    privateKeyPath: place.resolveOr(value["derp.server.private_key_path"], "derp_server_private.key"),
    addToMap,
    ipv4: value["derp.server.ipv4"],
    ipv6: value["derp.server.ipv6"],
  };
}
