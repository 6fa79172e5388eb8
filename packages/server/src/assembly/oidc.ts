import type { PrivateKey } from "@headscale/tailcfg/keys";
import { callbackPath } from "#auth/oidc/arrival.ts";
import { OidcAuthority } from "#auth/oidc/authority.ts";
import { OidcProvider } from "#auth/oidc/provider.ts";
import { Seal } from "#auth/seal.ts";
import type { Config } from "#config/config.ts";
import type { Live } from "#live/live.ts";
import { oidcReady, oidcUnavailable, signInRefused, userInfoFailed } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** The identity provider, if there is one. @throws when it does not answer and the configuration says not to start then */
export async function openProvider(
  { oidc, server, limits }: Config,
  telemetry: Telemetry,
): Promise<OidcProvider | undefined> {
  if (!oidc) return undefined;
  return OidcProvider.open({
    config: oidc,
    redirectUri: server.url + callbackPath,
    fetchTimeoutMs: limits.fetch_timeout,
    fetchBytes: limits.fetch_size,
    events: {
      ready: (issuer) => oidcReady(telemetry, issuer),
      unavailable: (issuer, reason) => oidcUnavailable(telemetry, issuer, reason),
      userInfoFailed: (issuer, reason) => userInfoFailed(telemetry, issuer, reason),
    },
  });
}

/** Lets in whoever that provider vouches for. */
export function authorityOf(
  provider: OidcProvider | undefined,
  { oidc, limits }: Config,
  live: Live,
  serverKey: PrivateKey,
  telemetry: Telemetry,
): OidcAuthority | undefined {
  if (!provider || !oidc) return undefined;
  return new OidcAuthority({
    live,
    provider,
    config: oidc,
    seal: new Seal(serverKey),
    maxExchanges: limits.sign_ins,
    onRefused: ({ code, message }, claims) =>
      signInRefused(telemetry, code, message, claims && { subject: claims.subject, email: claims.email }),
  });
}
