import { allKeys } from "./all-keys.ts";
import { ConfigError, type Remarks } from "./config-error.ts";
import { parseText, type Raw } from "./document.ts";
import type { Key } from "./key.ts";
import { isOldName, oldNames } from "./old-keys.ts";
import { closest } from "./spelling.ts";

/** `dns.base_domain` → `HEADSCALE_DNS_BASE_DOMAIN`. */
export function environmentName(key: string): string {
  return `HEADSCALE_${key.replaceAll(".", "_").toUpperCase()}`;
}

/** Today's names come last: where an old name has the same variable, today's wins. */
const keyOfVariable = new Map(
  [...oldNames, ...Object.keys(allKeys)].map((name) => [environmentName(name), name] as const),
);

/** Lays the `HEADSCALE_*` variables over the settings of the file. An empty variable counts as absent. */
export function overlayEnvironment(
  settings: Map<string, Raw>,
  env: Readonly<Record<string, string | undefined>>,
  remarks: Remarks,
): void {
  for (const [variable, written] of Object.entries(env)) {
    if (!variable.startsWith("HEADSCALE_") || written === undefined || written === "") continue;
    const name = keyOfVariable.get(variable);
    if (name !== undefined) settings.set(name, readVariable(variable, name, written));
    else warnOfMisspelling(variable, remarks);
  }
}

function readVariable(variable: string, name: string, written: string): Raw {
  const spec: Key<unknown> | undefined = isOldName(name) ? undefined : (allKeys as Record<string, Key<unknown>>)[name];
  if (!spec?.kind.structured) return written;
  try {
    return parseText(`{ value: ${written} }`, variable).value ?? "";
  } catch (cause) {
    throw new ConfigError(
      "bad-syntax",
      [{ key: variable, says: `must be YAML or JSON on one line (${spec.kind.wants})` }],
      cause,
    );
  }
}

/** Orchestrators set variables of their own with this prefix, so only a near miss is worth a word. */
function warnOfMisspelling(variable: string, remarks: Remarks): void {
  const meant = closest(variable, keyOfVariable.keys());
  if (meant !== undefined) remarks.warn(variable, `is not known and has no effect. Did you mean ${meant}?`);
}
