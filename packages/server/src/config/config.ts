import type { AddressConfig } from "./section/addresses.ts";
import type { AuditConfig } from "./section/audit.ts";
import type { CliConfig } from "./section/cli.ts";
import type { DatabaseConfig } from "./section/database.ts";
import type { DerpConfig } from "./section/derp.ts";
import type { DnsConfig } from "./section/dns.ts";
import type { FeaturesConfig } from "./section/features.ts";
import type { LimitsConfig } from "./section/limits.ts";
import type { ListenConfig } from "./section/listen.ts";
import type { LogConfig } from "./section/log.ts";
import type { NodeConfig } from "./section/node.ts";
import type { OidcConfig } from "./section/oidc.ts";
import type { PolicyConfig } from "./section/policy.ts";
import type { ServerConfig } from "./section/server.ts";
import type { TlsConfig } from "./section/tls.ts";
import type { TuningConfig } from "./section/tuning.ts";

/** Everything that the daemon was told, read once at start and frozen. Durations are milliseconds, paths absolute. */
export interface Config {
  /** The file it came from; `undefined`: there was none. */
  readonly file: string | undefined;
  readonly server: ServerConfig;
  readonly listen: ListenConfig;
  readonly tls: TlsConfig;
  readonly database: DatabaseConfig;
  readonly addresses: AddressConfig;
  readonly derp: DerpConfig;
  readonly dns: DnsConfig;
  readonly node: NodeConfig;
  readonly policy: PolicyConfig;
  readonly oidc: OidcConfig | undefined;
  readonly log: LogConfig;
  readonly audit: AuditConfig;
  readonly limits: LimitsConfig;
  readonly cli: CliConfig;
  readonly features: FeaturesConfig;
  readonly tuning: TuningConfig;
}
