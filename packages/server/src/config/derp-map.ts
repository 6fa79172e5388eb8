import type { DERPMap, DERPNode, DERPRegion } from "@headscale/tailcfg";
import { isRawMap, parseText, type Raw, type RawMap } from "./document.ts";

/** A map as its source wrote it: `undefined` switches a region of an earlier source off. */
export interface DerpMapSource {
  readonly regions: ReadonlyMap<number, DERPRegion | undefined>;
}

export class DerpMapError extends Error {
  override readonly name = "DerpMapError";
  readonly code: "bad-map" | "bad-region" | "bad-node";
  constructor(code: DerpMapError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Reads a relay map as YAML or JSON: Go's field names in any letter case (`regionid`, `RegionID`), as both of Go's readers take them.
 * @param source names file or URL in messages.
 * @throws {DerpMapError | ConfigError}
 */
export function parseDerpMap(text: string, source: string): DerpMapSource {
  const written = new Fields(parseText(text, source)).raw("regions");
  if (written === undefined || written === "") return { regions: new Map() };
  if (!isRawMap(written)) throw new DerpMapError("bad-map", `${source}: regions must be a section keyed by region id`);
  const regions = new Map<number, DERPRegion | undefined>();
  for (const [id, raw] of Object.entries(written)) {
    const regionId = Number(id);
    if (!Number.isInteger(regionId) || regionId < 1 || regionId > 65_535) {
      throw new DerpMapError("bad-region", `${source}: a region id must be a whole number from 1 to 65535`);
    }
    regions.set(regionId, raw === "" ? undefined : parseRegion(regionId, raw, source));
  }
  return { regions };
}

/**
 * One map out of many, later ones winning region by region, the built-in relay's region last. Regions come in the order of
 * their ids, so that the same sources always give the same bytes: clients drop a relay whose definition changes.
 */
export function mergeDerpMaps(sources: readonly DerpMapSource[], embedded?: DERPRegion): DERPMap {
  const merged = new Map<number, DERPRegion | undefined>();
  for (const { regions } of sources) for (const [id, region] of regions) merged.set(id, region);
  if (embedded) merged.set(embedded.RegionID, embedded);
  const kept = [...merged].filter((entry): entry is [number, DERPRegion] => entry[1] !== undefined);
  kept.sort(([a], [b]) => a - b);
  const taken = new Set<string>();
  return { Regions: Object.fromEntries(kept.map(([id, region]) => [String(id), withOwnNames(region, taken)])) };
}

/** Clients look measured nodes up by name alone, whatever region they are in. Source: tailscale net/netcheck/netcheck.go@de9ec7ee. */
function withOwnNames(region: DERPRegion, taken: Set<string>): DERPRegion {
  const rename = (node: DERPNode): DERPNode => {
    let name = node.Name;
    for (let n = 2; taken.has(name); n++) name = `${node.Name}-${region.RegionID}-${n}`;
    taken.add(name);
    return name === node.Name ? node : { ...node, Name: name };
  };
  const nodes = region.Nodes.map(rename);
  return nodes.every((node, index) => node === region.Nodes[index]) ? region : { ...region, Nodes: nodes };
}

function parseRegion(id: number, raw: Raw, source: string): DERPRegion {
  const where = `${source}: region ${id}`;
  if (!isRawMap(raw)) throw new DerpMapError("bad-region", `${where} must be a section, or null to switch it off`);
  const fields = new Fields(raw);
  const nodes = fields.raw("nodes") ?? [];
  if (nodes !== "" && !Array.isArray(nodes)) throw new DerpMapError("bad-region", `${where}: nodes must be a list`);
  const fail = badField("bad-region", where);
  const statedId = fields.number("regionid", fail);
  if (statedId !== undefined && statedId !== id)
    throw new DerpMapError("bad-region", `${where}: regionid must be ${id} too`);
  return omitAbsent({
    RegionID: id,
    RegionCode: fields.text("regioncode", fail) ?? String(id),
    RegionName: fields.text("regionname", fail) ?? fields.text("regioncode", fail) ?? String(id),
    Latitude: fields.number("latitude", fail),
    Longitude: fields.number("longitude", fail),
    Avoid: fields.flag("avoid", fail),
    NoMeasureNoHome: fields.flag("nomeasurenohome", fail),
    Nodes: (nodes === "" ? [] : nodes).map((node, index) => parseNode(id, index, node, where)),
  });
}

function parseNode(regionId: number, index: number, raw: Raw, region: string): DERPNode {
  const where = `${region}, node ${index}`;
  if (!isRawMap(raw)) throw new DerpMapError("bad-node", `${where} must be a section`);
  const fields = new Fields(raw);
  const fail = badField("bad-node", where);
  const hostName = fields.text("hostname", fail);
  if (hostName === undefined) throw new DerpMapError("bad-node", `${where}: hostname is missing`);
  return omitAbsent({
    Name: fields.text("name", fail) ?? `${regionId}${String.fromCharCode(97 + (index % 26))}`,
    RegionID: regionId,
    HostName: hostName,
    CertName: fields.text("certname", fail),
    IPv4: fields.text("ipv4", fail),
    IPv6: fields.text("ipv6", fail),
    STUNPort: fields.number("stunport", fail),
    STUNOnly: fields.flag("stunonly", fail),
    DERPPort: fields.number("derpport", fail),
    InsecureForTests: fields.flag("insecurefortests", fail),
    STUNTestIP: fields.text("stuntestip", fail),
    CanPort80: fields.flag("canport80", fail),
  });
}

type Fail = (field: string, wants: string) => never;

function badField(code: DerpMapError["code"], where: string): Fail {
  return (field, wants) => {
    throw new DerpMapError(code, `${where}: ${field} must be ${wants}`);
  };
}

/** The entries of one section by lower-cased name; empty ones count as absent. */
class Fields {
  readonly #entries: ReadonlyMap<string, Raw>;

  constructor(section: RawMap) {
    this.#entries = new Map(Object.entries(section).map(([name, raw]) => [name.toLowerCase(), raw]));
  }

  raw(name: string): Raw | undefined {
    return this.#entries.get(name);
  }

  text(name: string, fail: Fail): string | undefined {
    const raw = this.#entries.get(name);
    if (raw === undefined || raw === "") return undefined;
    return typeof raw === "string" ? raw : fail(name, "one value");
  }

  number(name: string, fail: Fail): number | undefined {
    const text = this.text(name, fail);
    if (text === undefined) return undefined;
    return Number.isFinite(Number(text)) ? Number(text) : fail(name, "a number");
  }

  flag(name: string, fail: Fail): boolean | undefined {
    const text = this.text(name, fail)?.toLowerCase();
    if (text === undefined) return undefined;
    return text === "true" || text === "false" ? text === "true" : fail(name, "true or false");
  }
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };
type MayBeAbsent<T> = { [K in keyof T]: T[K] | undefined };

function omitAbsent<T extends object>(fields: MayBeAbsent<T>): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
