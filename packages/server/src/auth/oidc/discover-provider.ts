import {
  allowInsecureRequests,
  type ClientAuth,
  ClientError,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from "openid-client";

export interface DiscoveryOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly auth: ClientAuth;
  readonly fetch: CustomFetch;
  readonly timeoutMs: number;
}

export interface DiscoveredProvider {
  readonly client: Configuration;
  /** It takes the client secret in the body of a request and not in the header. */
  readonly secretInBody: boolean;
}

/**
 * Asks the provider what it is. Providers differ on the final slash of their issuer, and so do the people who copy it: both
 * ways of writing it are tried. Source: OpenID Connect Discovery 1.0 section 4. @throws when it does not answer as one
 */
export async function discoverProvider(options: DiscoveryOptions): Promise<DiscoveredProvider> {
  const { issuer } = options;
  const client = await discoverAs(issuer, options).catch((error: unknown) => {
    if (!(error instanceof ClientError) || error.code !== "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED") throw error;
    return discoverAs(issuer.endsWith("/") ? issuer.replace(/\/+$/, "") : `${issuer}/`, options);
  });
  const metadata = client.serverMetadata();
  for (const endpoint of ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const)
    if (metadata[endpoint] === undefined) throw new Error(`its discovery document has no ${endpoint}`);
  const ways = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return { client, secretInBody: !ways.includes("client_secret_basic") && ways.includes("client_secret_post") };
}

function discoverAs(issuer: string, { clientId, auth, fetch, timeoutMs }: DiscoveryOptions): Promise<Configuration> {
  // Tokens come straight from the provider, yet their signatures are looked at: the way there may be plain HTTP.
  const execute = [enableNonRepudiationChecks, ...(issuer.startsWith("http:") ? [allowInsecureRequests] : [])];
  return discovery(new URL(issuer), clientId, {}, auth, { execute, timeout: timeoutMs / 1000, [customFetch]: fetch });
}
