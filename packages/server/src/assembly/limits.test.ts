import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "@headscale/derp";
import { afterAll, describe, expect, test } from "vitest";
import { allKeys } from "#config/all-keys.ts";
import { environmentName } from "#config/environment.ts";
import { loadConfig } from "#config/load-config.ts";
import { defaultLimits } from "#edge/limits.ts";
import {
  acmeLimits,
  adminLimits,
  controlLimits,
  edgeLimits,
  innerHttp2Limits,
  liveLimits,
  relayLimits,
} from "./limits.ts";
import { tailnetSettings } from "./settings.ts";

const root = mkdtempSync(join(tmpdir(), "limits-"));
afterAll(() => rmSync(root, { recursive: true }));
/** `settings` by their dotted names. */
const configOf = (settings: Readonly<Record<string, string>>) => {
  const named = Object.entries(settings).map(([name, value]) => [environmentName(name), value]);
  return loadConfig({ workingFolder: root, env: { HOME: root, ...Object.fromEntries(named) } }).config;
};

/** Everything that the limits turn into, by whom they hold. */
const consumed = (config: ReturnType<typeof configOf>) => ({
  edge: edgeLimits(config),
  innerHttp2: innerHttp2Limits(config),
  control: controlLimits(config),
  admin: adminLimits(config),
  live: liveLimits(config),
  relay: relayLimits(config),
  acme: acmeLimits(config),
  model: tailnetSettings(config),
});

/** Handed over as they are where the server is built. */
const direct = [
  "api.call_timeout",
  "extra_records",
  "fetch_size",
  "fetch_timeout",
  "file_size",
  "log_value",
  "metric_series",
  "relay.bootstrap_dns_interval",
  "relay.bootstrap_dns_timeout",
  "relay.connections",
  "relay.restart_delay",
  "relay.restart_patience",
  "sign_ins",
  "verify_body",
];

/** Another value that the key takes. */
function another(name: string): string {
  const spec = Object.entries(allKeys).find(([known]) => known === name)?.[1];
  const before = spec?.kind.parse(spec.initial ?? "");
  for (const written of ["7", "700ms", "7s", "5000", "70KiB", "128KiB", "130", "11"]) {
    try {
      if (spec?.kind.parse(written) !== before) return written;
    } catch {
      // Not of this key's kind.
    }
  }
  throw new Error(`no other value for ${name}`);
}

const names = Object.keys(allKeys).filter((name) => name.startsWith("limits."));

describe("the limits of the configuration", () => {
  test.for(names)("%s reaches whom it holds for", (name) => {
    const own = name.slice("limits.".length);
    // A burst means nothing without a rate.
    const base = { "limits.relay.rate": "1000000" };
    const [before, after] = [configOf(base), configOf({ ...base, [name]: another(name) })];
    expect(after.limits).not.toEqual(before.limits);
    if (direct.includes(own)) return;
    expect(consumed(after)).not.toEqual(consumed(before));
  });

  test("are the edge's own when nobody says otherwise", () => {
    expect(edgeLimits(configOf({}))).toEqual(defaultLimits);
  });

  test("are the relay's own when nobody says otherwise", () => {
    const { meshWriteTimeoutMs: _, ...own } = DEFAULT_LIMITS;
    expect(relayLimits(configOf({}))).toEqual(own);
  });
});
