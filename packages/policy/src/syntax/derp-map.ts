import type { DERPNode, DERPRegion } from "@headscale/tailcfg";
import type { HujsonValue } from "#hujson/hujson.ts";
import { quote } from "./quote.ts";
import type { SyntaxContext } from "./syntax-context.ts";

/** What a policy makes of the server's relays. Source: tailscale tailcfg/derpmap.go@de9ec7ee. */
export interface DerpMapEdit {
  /** None of the server's regions, if there is at least one of the policy's own. */
  readonly omitDefaultRegions: boolean;
  /** By region id: a region instead of the server's or beside them; `undefined` takes the server's away. */
  readonly regions: ReadonlyMap<number, DERPRegion | undefined>;
  /** Factors on the latency of regions where clients choose their home: below 1 draws them near. */
  readonly regionScores: Readonly<Record<string, number>> | undefined;
}

/** Reads `derpMap`, with Go's names in any case. */
export function readDerpMap(context: SyntaxContext, value: HujsonValue): DerpMapEdit {
  const regions = new Map<number, DERPRegion | undefined>();
  let omitDefaultRegions = false;
  let regionScores: Readonly<Record<string, number>> | undefined;
  context.fields(value, "derpMap", {
    OmitDefaultRegions: (field) => {
      omitDefaultRegions = context.flag(field, "derpMap.OmitDefaultRegions");
    },
    Regions: (field) => {
      for (const { name, at, value: region } of context.entries(field, "derpMap.Regions")) {
        const id = readRegionId(context, name, at);
        regions.set(id, region.kind === "null" ? undefined : readRegion(context, id, region));
      }
    },
    HomeParams: (field) =>
      context.fields(field, "derpMap.HomeParams", {
        RegionScore: (scores) => {
          regionScores = readScores(context, scores);
        },
      }),
  });
  if (omitDefaultRegions && [...regions.values()].every((region) => region === undefined)) {
    context.warn(value.start, "derpMap: OmitDefaultRegions has no effect without a region in Regions");
  }
  return { omitDefaultRegions, regions, regionScores };
}

function readRegionId(context: SyntaxContext, text: string, at: number): number {
  const id = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  if (id === 0) context.problem(at, `derpMap.Regions: ${quote(text)} is no region id; it is a whole number from 1`);
  return id;
}

function readScores(context: SyntaxContext, value: HujsonValue): Record<string, number> {
  const scores: Record<string, number> = {};
  for (const { name, at, value: score } of context.entries(value, "derpMap.HomeParams.RegionScore")) {
    readRegionId(context, name, at);
    scores[name] = context.number(score, `derpMap.HomeParams.RegionScore[${quote(name)}]`);
    if ((scores[name] ?? 0) <= 0) context.problem(score.start, "derpMap: a RegionScore must be above 0");
  }
  return scores;
}

/** A region without a code or name goes by its id, as in the server's own relay files. */
function readRegion(context: SyntaxContext, id: number, value: HujsonValue): DERPRegion {
  const where = `derpMap.Regions[${id}]`;
  let rest: Partial<DERPRegion> = {};
  let Nodes: readonly DERPNode[] = [];
  const set = (part: Partial<DERPRegion>) => {
    rest = { ...rest, ...part };
  };
  context.fields(value, where, {
    RegionID: (field) => sameId(context, field, id, where),
    RegionCode: (field) => set({ RegionCode: context.text(field, `${where}.RegionCode`) }),
    RegionName: (field) => set({ RegionName: context.text(field, `${where}.RegionName`) }),
    Latitude: (field) => set({ Latitude: context.number(field, `${where}.Latitude`) }),
    Longitude: (field) => set({ Longitude: context.number(field, `${where}.Longitude`) }),
    Avoid: (field) => set({ Avoid: context.flag(field, `${where}.Avoid`) }),
    NoMeasureNoHome: (field) => set({ NoMeasureNoHome: context.flag(field, `${where}.NoMeasureNoHome`) }),
    Nodes: (field) => {
      Nodes = context.items(field, `${where}.Nodes`).map((node, index) => readNode(context, id, index, node));
    },
  });
  if (Nodes.length === 0)
    context.problem(value.start, `${where}: a region needs at least one node; null takes it away`);
  const RegionCode = rest.RegionCode || String(id);
  return { ...rest, RegionID: id, RegionCode, RegionName: rest.RegionName || RegionCode, Nodes };
}

function readNode(context: SyntaxContext, regionId: number, index: number, value: HujsonValue): DERPNode {
  const where = `derpMap.Regions[${regionId}].Nodes[${index}]`;
  let node: Partial<DERPNode> = {};
  const set = (part: Partial<DERPNode>) => {
    node = { ...node, ...part };
  };
  const text = (name: "Name" | "HostName" | "CertName" | "IPv4" | "IPv6" | "STUNTestIP") => (field: HujsonValue) =>
    set({ [name]: context.text(field, `${where}.${name}`) });
  const port = (name: "STUNPort" | "DERPPort") => (field: HujsonValue) =>
    set({ [name]: readPort(context, field, `${where}.${name}`) });
  const flag = (name: "STUNOnly" | "InsecureForTests" | "CanPort80") => (field: HujsonValue) =>
    set({ [name]: context.flag(field, `${where}.${name}`) });
  context.fields(value, where, {
    Name: text("Name"),
    RegionID: (field) => sameId(context, field, regionId, where),
    HostName: text("HostName"),
    CertName: text("CertName"),
    IPv4: text("IPv4"),
    IPv6: text("IPv6"),
    STUNTestIP: text("STUNTestIP"),
    STUNPort: port("STUNPort"),
    DERPPort: port("DERPPort"),
    STUNOnly: flag("STUNOnly"),
    InsecureForTests: flag("InsecureForTests"),
    CanPort80: flag("CanPort80"),
  });
  const { HostName = "", Name } = node;
  if (HostName === "") context.problem(value.start, `${where}: HostName is missing`);
  return {
    ...node,
    Name: Name || `${regionId}${String.fromCharCode(97 + (index % 26))}`,
    RegionID: regionId,
    HostName,
  };
}

/** −1 switches STUN off; 0 is the default. */
function readPort(context: SyntaxContext, value: HujsonValue, what: string): number {
  const port = context.number(value, what);
  if (!Number.isInteger(port) || port < -1 || port > 65_535)
    context.problem(value.start, `${what}: not a port from 1 to 65535, 0 for the default or -1 for none`);
  return port;
}

function sameId(context: SyntaxContext, value: HujsonValue, id: number, where: string): void {
  if (context.number(value, `${where}.RegionID`) !== id)
    context.problem(value.start, `${where}: RegionID must be ${id}`);
}
