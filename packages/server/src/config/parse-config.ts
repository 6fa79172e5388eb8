import { allKeys } from "./all-keys.ts";
import type { Config } from "./config.ts";
import { ConfigError, type Remark, Remarks } from "./config-error.ts";
import type { Raw, RawMap } from "./document.ts";
import { overlayEnvironment } from "./environment.ts";
import { readKeys } from "./key.ts";
import { checkListeners } from "./listener-checks.ts";
import { isOldName, modernize } from "./old-keys.ts";
import { Place } from "./place.ts";
import { addressSection } from "./section/addresses.ts";
import { auditSection } from "./section/audit.ts";
import { cliSection } from "./section/cli.ts";
import { databaseSection } from "./section/database.ts";
import { derpSection } from "./section/derp.ts";
import { dnsSection } from "./section/dns.ts";
import { featuresSection } from "./section/features.ts";
import { limitsSection } from "./section/limits.ts";
import { listenSection } from "./section/listen.ts";
import { logSection } from "./section/log.ts";
import { nodeSection } from "./section/node.ts";
import { oidcSection } from "./section/oidc.ts";
import { policySection } from "./section/policy.ts";
import { serverSection } from "./section/server.ts";
import { tlsSection } from "./section/tls.ts";
import { tuningSection } from "./section/tuning.ts";
import { flatten } from "./settings.ts";
import { closest } from "./spelling.ts";
import type { Machine, Surroundings } from "./surroundings.ts";

export interface ParsedConfig {
  readonly config: Config;
  /** Should be looked at: old names, unknown keys, settings that will hurt. */
  readonly warnings: readonly Remark[];
  readonly notes: readonly Remark[];
}

/**
 * The whole configuration out of a file's tree (`{}` when there is no file) and the machine's environment.
 * @throws {ConfigError} `invalid`, with every mistake in it.
 */
export function parseConfig(tree: RawMap, file: string | undefined, machine: Machine): ParsedConfig {
  const remarks = new Remarks();
  const { known: settings, unknown } = flatten(tree, (name) => Object.hasOwn(allKeys, name) || isOldName(name));
  overlayEnvironment(settings, machine.env, remarks);
  const dataDir = settings.get("data_dir");
  const place = new Place(
    file,
    machine.workingFolder,
    typeof dataDir === "string" && dataDir !== "" ? dataDir : undefined,
  );
  modernize(settings, place, machine.readText, remarks);
  for (const name of unknown) remarks.warn(name, unknownKey(name));
  const config = assemble(settings, file, { ...machine, place }, remarks);
  if (remarks.mistakes.length > 0) throw new ConfigError("invalid", remarks.mistakes, undefined, remarks.warnings);
  return { config: deepFreeze(config), warnings: remarks.warnings, notes: remarks.notes };
}

function assemble(
  settings: Map<string, Raw>,
  file: string | undefined,
  around: Surroundings,
  remarks: Remarks,
): Config {
  const reading = readKeys(allKeys, settings, remarks);
  const { place } = around;
  const listen = listenSection(reading, place);
  const tls = tlsSection(reading, place, listen);
  checkListeners(listen, tls, remarks);
  const server = serverSection(reading, { place, listen, tls, localAddresses: around.localAddresses });
  return {
    file,
    server,
    listen,
    tls,
    database: databaseSection(reading, place),
    addresses: addressSection(reading),
    derp: derpSection(reading, place, server.url),
    dns: dnsSection(reading, place, server.host),
    node: nodeSection(reading),
    policy: policySection(reading, place),
    oidc: oidcSection(reading, around),
    log: logSection(reading),
    audit: auditSection(reading),
    limits: limitsSection(reading),
    cli: cliSection(reading),
    features: featuresSection(reading),
    tuning: tuningSection(reading),
  };
}

function unknownKey(name: string): string {
  const names = Object.keys(allKeys);
  if (names.some((known) => known.startsWith(`${name}.`))) return "is a section: write its keys indented below it";
  const meant = closest(name, names) ?? names.find((known) => known.endsWith(`.${name}`));
  return `is not known and has no effect${meant === undefined ? ". Delete it" : `. Did you mean ${meant}?`}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
