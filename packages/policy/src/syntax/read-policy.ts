import type { Prefix } from "@headscale/netip";
import { checkAcl, checkGrant } from "#check/check-rules.ts";
import { checkApprovers, checkIpSets, checkNodeAttr, checkTagOwners } from "#check/check-sections.ts";
import { checkSshRule, checkSshTest } from "#check/check-ssh.ts";
import { References } from "#check/references.ts";
import type { HujsonMember, HujsonValue } from "#hujson/hujson.ts";
import { problemAt } from "../policy-error.ts";
import { readAutoApprovers, readGroups, readHosts, readTagOwners } from "./definitions.ts";
import { readDerpMap } from "./derp-map.ts";
import { readIpSets } from "./ip-sets.ts";
import { readNodeAttr } from "./node-attrs.ts";
import type { AutoApprovers, Located, Policy } from "./policy-document.ts";
import { readPostures } from "./postures.ts";
import { quote } from "./quote.ts";
import { readAcl, readGrant } from "./rules.ts";
import { readSshRule } from "./ssh-rules.ts";
import type { SyntaxContext } from "./syntax-context.ts";
import { readAccessTest, readSshTest } from "./tests.ts";

/** Every section the service knows; `attrConfig` only describes custom attributes and decides nothing here. */
const sectionNames = [
  "groups",
  "hosts",
  "ipsets",
  "tagOwners",
  "acls",
  "grants",
  "ssh",
  "autoApprovers",
  "nodeAttrs",
  "postures",
  "defaultSrcPosture",
  "attrConfig",
  "tests",
  "sshTests",
  "derpMap",
  "disableIPv4",
  "OneCGNATRoute",
  "randomizeClientPort",
] as const;
type SectionName = (typeof sectionNames)[number];
type Sections = Partial<Record<SectionName, HujsonValue>>;

const noApprovers: AutoApprovers = { routes: [], exitNode: [], services: new Map() };

/**
 * Reads and checks the sections of a policy in the order in which the hosted service reports their faults;
 * problems gather in `context`, and the result counts only if there are none.
 */
export function readPolicy(
  context: SyntaxContext,
  text: string,
  members: readonly HujsonMember[],
  domains: ReadonlySet<string>,
): Policy {
  const sections = readSections(context, members);
  const names = {
    groups: sections.groups === undefined ? new Map<string, string[]>() : readGroups(context, sections.groups),
    hosts: sections.hosts === undefined ? new Map<string, Prefix>() : readHosts(context, sections.hosts),
    ipSets: sections.ipsets === undefined ? new Map() : readIpSets(context, sections.ipsets),
    tagOwners: sections.tagOwners === undefined ? new Map() : readTagOwners(context, sections.tagOwners),
    postures: sections.postures === undefined ? new Map() : readPostures(context, sections.postures),
  };
  const references = new References(context, names);
  checkIpSets(references);
  const defaultSrcPosture = readDefaultPosture(context, references, sections.defaultSrcPosture);
  const list = <T>(name: SectionName, read: (value: HujsonValue) => T): T[] | undefined => {
    const section = sections[name];
    return section === undefined ? undefined : context.items(section, name).map(read);
  };
  const acls = list("acls", (entry) => checkAcl(references, readAcl(context, entry)));
  const grants = list("grants", (entry) => checkGrant(references, readGrant(context, entry)));
  const ssh = list("ssh", (entry) => checkSshRule(references, readSshRule(context, entry), domains));
  const nodeAttrs = list("nodeAttrs", (entry) => checkNodeAttr(references, readNodeAttr(context, entry))) ?? [];
  checkTagOwners(references);
  const approvers =
    sections.autoApprovers === undefined ? noApprovers : readAutoApprovers(context, sections.autoApprovers);
  checkApprovers(references, approvers, sections.autoApprovers?.start);
  if (sections.attrConfig !== undefined)
    context.warn(
      sections.attrConfig.start,
      "attrConfig has no effect: devices have no custom attributes on this server",
    );
  const tests = list("tests", (entry) => readAccessTest(context, entry)) ?? [];
  const sshTests = list("sshTests", (entry) => checkSshTest(references, readSshTest(context, entry))) ?? [];
  return {
    text,
    ...names,
    defaultSrcPosture,
    acls,
    grants,
    ssh,
    autoApprovers: approvers,
    nodeAttrs,
    tests,
    sshTests,
    randomizeClientPort: flag(context, sections, "randomizeClientPort"),
    disableIPv4: flag(context, sections, "disableIPv4"),
    oneCGNATRoute: readCGNATRoute(context, sections.OneCGNATRoute),
    derpMap: sections.derpMap === undefined ? undefined : readDerpMap(context, sections.derpMap),
    warnings: context.warnings.slice(0, 100).map(({ index, message }) => problemAt(text, index, message)),
  };
}

function readSections(context: SyntaxContext, members: readonly HujsonMember[]): Sections {
  const canonical = new Map<string, SectionName>(sectionNames.map((name) => [name.toLowerCase(), name]));
  const sections: Sections = {};
  for (const { name, nameStart, value } of members) {
    const section = canonical.get(name.toLowerCase());
    if (section === undefined) context.problem(nameStart, `unknown field: ${quote(name)}`);
    else if (sections[section] !== undefined) context.problem(nameStart, `duplicate name ${quote(name)}`);
    else if (value.kind !== "null") sections[section] = value;
  }
  return sections;
}

function readDefaultPosture(context: SyntaxContext, references: References, value: HujsonValue | undefined): Located[] {
  if (value === undefined) return [];
  const names = context.texts(value, "defaultSrcPosture");
  references.postures(names);
  return names;
}

function flag(context: SyntaxContext, sections: Sections, name: "randomizeClientPort" | "disableIPv4"): boolean {
  const value = sections[name];
  return value === undefined ? false : context.flag(value, name);
}

function readCGNATRoute(context: SyntaxContext, value: HujsonValue | undefined): Policy["oneCGNATRoute"] {
  if (value === undefined) return undefined;
  const text = context.text(value, "OneCGNATRoute");
  if (text === "mac-always" || text === "mac-never") return text;
  if (text !== "")
    context.problem(value.start, `OneCGNATRoute: ${quote(text)} is neither "mac-always" nor "mac-never"`);
  return undefined;
}
