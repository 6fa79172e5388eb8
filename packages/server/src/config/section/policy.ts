import { type Key, optional, type Reading } from "../key.ts";
import { choice, path } from "../kind/kind.ts";
import type { Place } from "../place.ts";

export const policyKeys = {
  "policy.mode": optional(
    choice(["file", "database"]),
    { derived: "database" },
    "Where the access policy is: file, or database (then `headscalectl policy set` changes it). Default: file when policy.path is set, else database.",
  ),
  "policy.path": optional(
    path,
    { example: "/etc/headscale/policy.hujson" },
    "The policy as HuJSON; read again on SIGHUP and when it changes. Without a policy everybody may talk to everybody.",
  ),
} satisfies Record<string, Key<unknown>>;

export type PolicyConfig = { readonly mode: "file"; readonly path: string | undefined } | { readonly mode: "database" };

export function policySection({ value, remarks }: Reading<typeof policyKeys>, place: Place): PolicyConfig {
  const path = value["policy.path"];
  const mode = value["policy.mode"] ?? (path === undefined ? "database" : "file");
  if (mode === "file") return { mode, path: path === undefined ? undefined : place.resolve(path) };
  if (path !== undefined)
    remarks.warn(
      "policy.path",
      "is not read while policy.mode is database: load it once with `headscalectl policy set --file`",
    );
  return { mode };
}
