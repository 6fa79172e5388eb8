import { type CertificateEvent, createCertificateManager, folderCache } from "@headscale/acme";
import type { Store } from "@headscale/store";
import type { Config } from "#config/config.ts";
import { openCertificateFiles } from "#edge/certificate-files.ts";
import type { CertificateSource, KeyPair } from "#edge/tls.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { blobCache } from "./blob-cache.ts";
import { acmeLimits } from "./limits.ts";
import type { PinnedCertificate } from "./pinned-certificate.ts";

/** Where TLS comes from, and what has to be done beside it. */
export interface Certificates extends AsyncDisposable {
  readonly source: CertificateSource | undefined;
  /** Whether clear text is served on the same port. */
  readonly clearText: "refuse" | "serve";
  /** Answers HTTP-01 challenges, when those are used. */
  readonly http01: ((token: string) => Promise<string | undefined>) | undefined;
  /** Begins to order; the listeners are open. */
  start(): void;
  /** Looks at the files now. */
  reload(): Promise<void>;
}

/**
 * Files, ACME, or — with a plain-HTTP URL — the pinned certificate that only the relay needs. `meta` is a relay's meta
 * certificate, which goes behind each chain: clients that see it start faster.
 */
export async function openCertificates(
  config: Config,
  store: Store,
  pinned: PinnedCertificate | undefined,
  meta: string | undefined,
  telemetry: Telemetry,
): Promise<Certificates> {
  const certificates = await openOwnCertificates(config, store, pinned, telemetry);
  const { source } = certificates;
  return source && meta !== undefined ? { ...certificates, source: withMeta(source, meta) } : certificates;
}

/** Every pair of `source`, now and later, with one more certificate in its chain. */
export function withMeta(source: CertificateSource, meta: string): CertificateSource {
  const extended = (pair: KeyPair): KeyPair => ({ key: pair.key, cert: `${pair.cert.trimEnd()}\n${meta}` });
  return {
    current: () => {
      const pair = source.current();
      return pair && extended(pair);
    },
    onChange: (listener) => source.onChange((pair) => listener(extended(pair))),
    alpnContext: (serverName) => source.alpnContext?.(serverName),
  };
}

async function openOwnCertificates(
  config: Config,
  store: Store,
  pinned: PinnedCertificate | undefined,
  telemetry: Telemetry,
): Promise<Certificates> {
  const { tls } = config;
  if (tls.kind === "files") return fromFiles(tls, config, telemetry);
  if (tls.kind === "off") {
    return {
      source: pinned && { current: () => pinned, onChange: () => () => undefined },
      clearText: "serve",
      http01: undefined,
      start: () => undefined,
      reload: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const manager = await createCertificateManager({
    names: tls.names,
    directories: tls.directories.map((url) => ({
      url,
      ...(tls.externalAccount && {
        eab: { kid: tls.externalAccount.keyId, hmacKey: tls.externalAccount.hmacKey.reveal() },
      }),
    })),
    ...(tls.email !== undefined && { email: tls.email }),
    ...(tls.profile !== undefined && { profile: tls.profile }),
    challenge: tls.challenge,
    limits: acmeLimits(config),
    cache: config.database.kind === "postgres" ? blobCache(store) : folderCache(tls.cacheDir),
    onEvent: (event) => tell(telemetry, tls.names, event),
  });
  return {
    source: manager,
    clearText: "refuse",
    http01: tls.challenge === "HTTP-01" ? (token) => manager.http01(token) : undefined,
    start: () => manager.start(),
    reload: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => manager[Symbol.asyncDispose](),
  };
}

function tell(telemetry: Telemetry, names: readonly string[], event: CertificateEvent): void {
  switch (event.kind) {
    case "issued":
      events.certificateObtained(telemetry, names, event.directory, new Date(event.notAfter));
      break;
    case "adopted":
      events.certificateAdopted(telemetry, names, new Date(event.notAfter));
      break;
    case "failed":
      events.certificateFailed(telemetry, names, event.directory, event.error, new Date(event.retryAt));
      break;
    case "renewal-info-failed":
      events.renewalInfoFailed(telemetry, event.directory, event.error);
      break;
    case "cache-failed":
      events.certificateCacheFailed(telemetry, event.error);
      break;
    default:
      event satisfies never;
  }
}

type FilesConfig = Extract<Config["tls"], { kind: "files" }>;

async function fromFiles(
  { certPath, keyPath }: FilesConfig,
  { limits, tuning, server }: Config,
  telemetry: Telemetry,
): Promise<Certificates> {
  const files = await openCertificateFiles({
    certPath,
    keyPath,
    everyMs: tuning.certificatePollMs,
    maxBytes: limits.file_size,
    host: server.host,
    onChange: ({ notAfter }) => events.certificateReplaced(telemetry, certPath, new Date(notAfter)),
    onRefused: (error) => events.certificateRefused(telemetry, certPath, error),
    onDoubt: (says) => events.certificateDoubtful(telemetry, certPath, says),
  });
  return {
    source: files,
    clearText: "refuse",
    http01: undefined,
    start: () => undefined,
    reload: () => files.reload(),
    async [Symbol.asyncDispose]() {
      files[Symbol.dispose]();
    },
  };
}
