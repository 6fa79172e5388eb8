import type { Hostinfo, NetInfo, Service } from "../hostinfo.ts";
import { DecodeError } from "./decode-error.ts";
import { GoObject } from "./go-json.ts";
import { defaultReportLimits, type ReportLimits } from "./report-limits.ts";

const maxPort = 65_535;
/** Ids of DERP regions. */
const maxRegion = 65_535;
const maxInt32 = 2 ** 31 - 1;

/**
 * The fields that we act on or show to peers, of Go's types and under Go's names: one of another type would make the
 * maps of all peers unreadable. The others are kept as they came. @throws {DecodeError}
 */
export function decodeHostinfo(
  value: unknown,
  { listEntries, hostinfoBytes }: ReportLimits = defaultReportLimits,
): Hostinfo {
  const host = new GoObject(value, "Hostinfo");
  const known = {
    ...texts(host, ["Hostname", "OS", "OSVersion", "IPNVersion", "DeviceModel"]),
    ...lists(host, ["RoutableIPs", "RequestTags", "sshHostKeys"], listEntries),
    ...flags(host, ["ShieldsUp", "ShareeNode", "PeerRelay", "AppConnector"]),
    Services: host.list("Services", listEntries)?.map(decodeService),
    NetInfo: decodeNetInfo(host.get("NetInfo")),
    Location: decodeLocation(host.object("Location")),
  };
  const { NetInfo: _unseen, ...shown } = known;
  if (JSON.stringify(shown).length > hostinfoBytes) throw new DecodeError("too-long", "Hostinfo");
  return { ...others(value, known), ...present(known) };
}

function texts(host: GoObject, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, host.string(name)]));
}

function lists(host: GoObject, names: readonly string[], most: number): Record<string, readonly string[] | undefined> {
  return Object.fromEntries(names.map((name) => [name, host.strings(name, most)]));
}

function flags(host: GoObject, names: readonly string[]): Record<string, boolean | undefined> {
  return Object.fromEntries(names.map((name) => [name, host.optionalBoolean(name)]));
}

function decodeService(value: unknown): Service {
  const service = new GoObject(value, "Services");
  const [Proto, Port, Description] = [
    service.string("Proto"),
    service.count("Port", maxPort),
    service.string("Description"),
  ];
  if (Proto === undefined || Port === undefined) throw new DecodeError("bad-field", "Services");
  return { Proto, Port, ...(Description !== undefined && { Description }) };
}

function decodeNetInfo(value: unknown): NetInfo | undefined {
  if (value === undefined) return undefined;
  const known = { PreferredDERP: new GoObject(value, "NetInfo").count("PreferredDERP", maxRegion) };
  return { ...others(value, known), ...present(known) };
}

function decodeLocation(location: GoObject | undefined): Readonly<Record<string, unknown>> | undefined {
  if (!location) return undefined;
  return present({
    ...texts(location, ["Country", "CountryCode", "City", "CityCode"]),
    Latitude: location.float("Latitude"),
    Longitude: location.float("Longitude"),
    Priority: location.count("Priority", maxInt32),
  });
}

/** What an object holds besides `known`, whose names count in any letter case. */
function others(value: unknown, known: object): Record<string, unknown> {
  const taken = new Set(Object.keys(known).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(value as object).filter(([name]) => !taken.has(name.toLowerCase())));
}

function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
