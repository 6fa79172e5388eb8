import type { Remarks } from "./config-error.ts";
import type { Raw } from "./document.ts";
import type { Place } from "./place.ts";

/**
 * Names of earlier versions that only moved: old name → today's.
 * Sources: headscale v0.1.0 app.go and config.json; hscontrol/types/config.go@f20f1f12 (`deprecator`).
 */
const renamedKeys: Readonly<Record<string, string>> = {
  acl_policy_path: "policy.path",
  db_type: "database.type",
  db_path: "database.sqlite.path",
  db_host: "database.postgres.host",
  db_port: "database.postgres.port",
  db_name: "database.postgres.name",
  db_user: "database.postgres.user",
  db_pass: "database.postgres.pass",
  db_ssl: "database.postgres.ssl",
  derp_map_path: "derp.paths",
  "dns_config.base_domain": "dns.base_domain",
  "dns_config.domains": "dns.search_domains",
  "dns_config.extra_records": "dns.extra_records",
  "dns_config.magic_dns": "dns.magic_dns",
  "dns_config.nameservers": "dns.nameservers.global",
  "dns_config.override_local_dns": "dns.override_local_dns",
  "dns_config.restricted_nameservers": "dns.nameservers.split",
  ephemeral_node_inactivity_timeout: "node.ephemeral.inactivity_timeout",
  "limits.http2_idle_timeout": "limits.http2.idle_timeout",
  "limits.http2_streams": "limits.http2.streams",
  "limits.relay_connections": "limits.relay.connections",
  log_level: "log.level",
};

/** Names whose meaning is gone: leaving them out silently would change something, so they stop the start unless they say no. */
const removed: Readonly<Record<string, string>> = {
  "dns.use_username_in_magic_dns": "is gone: nodes are called NAME.base_domain. Delete it",
  "dns_config.use_username_in_magic_dns": "is gone: nodes are called NAME.base_domain. Delete it",
  "oidc.domain_map":
    "is gone: users are found by the provider's own id. Delete it, and use oidc.allowed_domains to choose who may log in",
  "oidc.strip_email_domain": "is gone: users keep the name that the provider gives. Delete it",
  "oidc.map_legacy_users": "is gone: users are found by the provider's own id. Delete it",
  "oidc.expiry": "is gone: write node.expiry instead",
  randomize_client_port: 'is gone: write "randomizeClientPort": true at the top of the policy instead',
};

/** Knobs of upstream's inner life, accepted so that its files still load. */
const withoutEffect: Readonly<Record<string, string>> = {
  "database.gorm.prepare_stmt": "statements are always prepared",
  "database.gorm.parameterized_queries": "values are never part of a logged statement",
  "database.gorm.skip_err_record_not_found": "absence is not logged as an error",
  "database.gorm.slow_threshold": "the time of commits is in the metrics",
  "tuning.notifier_send_timeout": "changes wait for no queue",
  "tuning.node_mapsession_buffered_chan_size": "a slow reader holds a set of ids, not a queue",
  "tuning.batcher_workers": "maps are built by the connection that needs them",
  "tuning.node_store_batch_size": "reads never wait for writes",
  "tuning.node_store_batch_timeout": "reads never wait for writes",
  node_update_check_interval: "changes are announced when they happen",
};

/** Old names that need more than a new name, and where their values go. */
const special: Readonly<Record<string, string>> = {
  ip_prefix: "prefixes.v4",
  ip_prefixes: "prefixes.v4, prefixes.v6",
  private_key_path: "noise.private_key_path",
};

/** Every old name that still works, and where it is written today. */
export const movedKeys: Readonly<Record<string, string>> = { ...renamedKeys, ...special };

export const oldNames: ReadonlySet<string> = new Set([
  ...Object.keys(movedKeys),
  ...Object.keys(removed),
  ...Object.keys(withoutEffect),
]);

export function isOldName(name: string): boolean {
  return oldNames.has(name);
}

/** Moves what old keys say to where it is written today, in place, with one sentence for each. */
export function modernize(
  settings: Map<string, Raw>,
  place: Place,
  readText: (path: string) => string | undefined,
  remarks: Remarks,
): void {
  for (const [old, says] of Object.entries(removed)) {
    const value = settings.get(old);
    if (value === "false" || value === "")
      remarks.note(old, "is gone, and what you wrote is how it is anyway. Delete it");
    else if (value !== undefined) remarks.refuse(old, says);
  }
  for (const [old, why] of Object.entries(withoutEffect)) {
    if (settings.has(old)) remarks.note(old, `has no effect here (${why}) and can be deleted`);
  }
  for (const [old, today] of Object.entries(renamedKeys)) move(settings, old, today, remarks);
  moveAddressRanges(settings, remarks);
  moveNoiseKey(settings, place, readText, remarks);
}

function move(settings: Map<string, Raw>, old: string, today: string, remarks: Remarks): void {
  const value = settings.get(old);
  if (value === undefined || value === "") return;
  if (settings.has(today)) {
    remarks.warn(old, `is the old name of ${today}, which is also set and wins. Delete ${old}`);
    return;
  }
  settings.set(today, value);
  remarks.warn(old, `is now called ${today}. It still works; please rename it`);
}

function moveAddressRanges(settings: Map<string, Raw>, remarks: Remarks): void {
  for (const old of ["ip_prefixes", "ip_prefix"]) {
    const value = settings.get(old);
    if (value === undefined || value === "") continue;
    for (const range of entriesOf(value)) {
      const today = range.includes(":") ? "prefixes.v6" : "prefixes.v4";
      if (!settings.has(today)) settings.set(today, range);
    }
    remarks.warn(old, "is now written as prefixes.v4 and prefixes.v6. It still works; please rename it");
  }
}

function entriesOf(value: Raw): readonly string[] {
  if (typeof value === "string") return value.split(/[\s,]+/);
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}

/** The key of the protocol before Noise is of no use; only a file that holds a machine key in today's form is taken over. */
function moveNoiseKey(
  settings: Map<string, Raw>,
  place: Place,
  readText: (path: string) => string | undefined,
  remarks: Remarks,
): void {
  const old = settings.get("private_key_path");
  if (typeof old !== "string" || old === "") return;
  if (settings.has("noise.private_key_path")) {
    remarks.note("private_key_path", "belongs to a protocol that no client speaks any more and can be deleted");
    return;
  }
  const holdsKey = /^privkey:[0-9a-f]{64}\s*$/i.test(readText(place.resolve(old)) ?? "");
  if (holdsKey) settings.set("noise.private_key_path", old);
  remarks.warn(
    "private_key_path",
    holdsKey
      ? "is now called noise.private_key_path. It still works; please rename it"
      : "is now called noise.private_key_path, and the file holds no such key, so it is left alone and a new key is made in data_dir. Delete this line",
  );
}
