import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
} from "openid-client";
import type { OidcConfig } from "#config/section/oidc.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import { type Claims, claimsOf, lacksClaims } from "./claims.ts";
import { discoverProvider } from "./discover-provider.ts";
import { isClientRefusal, reasonOf, signInErrorOf } from "./provider-failure.ts";
import { SignInError } from "./sign-in-error.ts";

export interface ProviderOptions {
  readonly config: OidcConfig;
  /** `<server_url>/oidc/callback` */
  readonly redirectUri: string;
  /** Of one request to the provider, its answer included. */
  readonly fetchTimeoutMs: number;
  readonly fetchBytes: number;
  readonly events: ProviderEvents;
}

export interface ProviderEvents {
  /** It can be used from now on. */
  ready(issuer: string): void;
  /** It could not be asked what it is; a later attempt follows. */
  unavailable(issuer: string, reason: string): void;
  /** UserInfo was not to be had: the ID token's claims have to do. */
  userInfoFailed(issuer: string, reason: string): void;
}

/** What one login proves itself by when it comes back. */
export interface LoginChecks {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636; absent without PKCE. */
  readonly verifier?: string;
}

export interface SignedIn {
  readonly claims: Claims;
  /** When the ID token expires, ms since the epoch. */
  readonly expiresAt: number;
}

/** Discovery is repeated this soon after a failure, doubling up to the longest, and this often after a success. */
const [firstRetryMs, longestRetryMs, refreshMs] = [1_000, 60_000, 3_600_000];

/** The identity provider: what it is, the way to its login page, and what it says of whoever comes back from there. */
export class OidcProvider implements Disposable {
  readonly #options: ProviderOptions;
  readonly #closing = new AbortController();
  readonly #fetch: ReturnType<typeof boundedFetch>;
  readonly #auth: ClientAuth;
  #client: Configuration | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sendsSecretAs: "header" | "body" = "header";

  private constructor(options: ProviderOptions) {
    this.#options = options;
    this.#fetch = boundedFetch(options.fetchBytes, this.#closing.signal);
    const secret = options.config.clientSecret.reveal();
    const ways = { header: ClientSecretBasic(secret), body: ClientSecretPost(secret) };
    this.#auth = (...request) => ways[this.#sendsSecretAs](...request);
  }

  /** @throws when it cannot be reached and the configuration says not to start then */
  static async open(options: ProviderOptions): Promise<OidcProvider> {
    const provider = new OidcProvider(options);
    const { issuer, onlyStartIfAvailable } = options.config;
    if (!onlyStartIfAvailable) {
      void provider.#keepDiscovering(firstRetryMs);
      return provider;
    }
    try {
      await provider.#discover();
    } catch (error) {
      throw new Error(
        `oidc.issuer: ${issuer} cannot be used: ${reasonOf(error)}. ` +
          "To start without it, set oidc.only_start_if_oidc_is_available to false",
        { cause: error },
      );
    }
    provider.#again(refreshMs, firstRetryMs);
    return provider;
  }

  get isReady(): boolean {
    return this.#client !== undefined;
  }

  async #keepDiscovering(retryMs: number): Promise<void> {
    try {
      await this.#discover();
      this.#again(refreshMs, firstRetryMs);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#options.events.unavailable(this.#options.config.issuer, reasonOf(error));
      this.#again(retryMs, Math.min(2 * retryMs, longestRetryMs));
    }
  }

  #again(afterMs: number, retryMs: number): void {
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#keepDiscovering(retryMs), afterMs).unref();
  }

  async #discover(): Promise<void> {
    const { config, fetchTimeoutMs, events } = this.#options;
    const { client, secretInBody } = await discoverProvider({
      issuer: config.issuer,
      clientId: config.clientId,
      auth: this.#auth,
      fetch: this.#fetch,
      timeoutMs: fetchTimeoutMs,
    });
    const isNew = this.#client === undefined;
    this.#client = client;
    if (!isNew) return;
    if (secretInBody) this.#sendsSecretAs = "body";
    events.ready(config.issuer);
  }

  /** Where the browser goes to sign in; undefined while nobody knows. */
  async loginUrl({ state, nonce, verifier }: LoginChecks): Promise<string | undefined> {
    if (!this.#client) return undefined;
    const { config, redirectUri } = this.#options;
    const challenge = verifier !== undefined && {
      code_challenge: config.pkce === "plain" ? verifier : await calculatePKCECodeChallenge(verifier),
      code_challenge_method: config.pkce ?? "S256",
    };
    return buildAuthorizationUrl(this.#client, {
      ...config.extraParams,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: config.scopes.join(" "),
      state,
      nonce,
      ...challenge,
    }).href;
  }

  /** Exchanges what the browser brought back. `query` begins with `?`. @throws {SignInError} */
  async redeem(query: string, checks: LoginChecks): Promise<SignedIn> {
    const client = this.#client;
    if (!client) throw new SignInError("provider-unavailable", "the provider has not answered since the start");
    const tokens = await this.#exchange(client, query, checks).catch((error: unknown) => {
      throw signInErrorOf(error);
    });
    const idToken = tokens.claims();
    if (!idToken) throw new SignInError("token-invalid", "the provider sent no ID token");
    const wantsGroups = this.#options.config.allowedGroups.length > 0;
    const more = lacksClaims(idToken, wantsGroups)
      ? await this.#userInfo(client, tokens.access_token, idToken.sub)
      : {};
    return { claims: claimsOf(idToken, more), expiresAt: idToken.exp * 1000 };
  }

  /** Both ways of sending the secret are tried: few providers tell which one a client is set up for. */
  async #exchange(client: Configuration, query: string, { state, nonce, verifier }: LoginChecks) {
    const url = new URL(this.#options.redirectUri + query);
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
      ...(verifier !== undefined && { pkceCodeVerifier: verifier }),
    };
    const asIs = this.#sendsSecretAs;
    try {
      return await authorizationCodeGrant(client, url, checks);
    } catch (error) {
      if (!isClientRefusal(error)) throw error;
      this.#sendsSecretAs = asIs === "header" ? "body" : "header";
      try {
        return await authorizationCodeGrant(client, url, checks);
      } catch (second) {
        this.#sendsSecretAs = asIs;
        throw second;
      }
    }
  }

  /** Nothing when it cannot be had; one that is about somebody else is an attack. @throws {SignInError} */
  async #userInfo(client: Configuration, token: string, subject: string): Promise<Readonly<Record<string, unknown>>> {
    if (client.serverMetadata().userinfo_endpoint === undefined) return {};
    try {
      return await fetchUserInfo(client, token, subject);
    } catch (error) {
      if (error instanceof ClientError && error.code === "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED")
        throw new SignInError("user-info-mismatch", "UserInfo is about somebody else than the ID token", {
          cause: error,
        });
      this.#options.events.userInfoFailed(this.#options.config.issuer, reasonOf(error));
      return {};
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }
}
