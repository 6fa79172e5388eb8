import { createCertificateManager, folderCache } from "@headscale/acme";
import type { Store } from "@headscale/store";
import type { Config } from "#config/config.ts";
import { openCertificateFiles } from "#edge/certificate-files.ts";
import type { CertificateSource } from "#edge/tls.ts";
import { certificateFailed, certificateObtained } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { blobCache } from "./blob-cache.ts";
import type { PinnedCertificate } from "./relay.ts";

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

/** Files, ACME, or — with a plain-HTTP URL — the pinned certificate that only the relay needs. */
export async function openCertificates(
  config: Config,
  store: Store,
  pinned: PinnedCertificate | undefined,
  telemetry: Telemetry,
): Promise<Certificates> {
  const { tls } = config;
  if (tls.kind === "files") return fromFiles(tls.certPath, tls.keyPath, telemetry);
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
    cache: config.database.kind === "postgres" ? blobCache(store) : folderCache(tls.cacheDir),
    onEvent: (event) => {
      if (event.kind === "issued") certificateObtained(telemetry, tls.names, new Date(event.notAfter));
      else if (event.kind === "failed") certificateFailed(telemetry, tls.names, event.error);
    },
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

async function fromFiles(certPath: string, keyPath: string, telemetry: Telemetry): Promise<Certificates> {
  const files = await openCertificateFiles({
    certPath,
    keyPath,
    onChange: ({ notAfter }) => certificateObtained(telemetry, [certPath], new Date(notAfter)),
    onRefused: (error) => certificateFailed(telemetry, [certPath], error),
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
