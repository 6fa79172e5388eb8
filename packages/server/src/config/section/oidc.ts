import { type Key, key, optional, type Reading } from "../key.ts";
import { choice, flag, listOf, mapOf, path, secret, text } from "../kind/kind.ts";
import { webUrl } from "../kind/web-url.ts";
import { Secret } from "../secret.ts";
import type { Surroundings } from "../surroundings.ts";

export const oidcKeys = {
  "oidc.issuer": optional(
    webUrl,
    { example: "https://login.example.com/realms/main" },
    "URL of the identity provider, as it calls itself. Setting it turns login by OpenID Connect on; give the provider the redirect URI <server_url>/oidc/callback.",
  ),
  "oidc.only_start_if_oidc_is_available": key(
    flag,
    "true",
    "Do not start while the provider cannot be reached; with false, logins are approved by command until it can.",
  ),
  "oidc.client_id": optional(text, { example: "headscale" }, "Client id from the provider."),
  "oidc.client_secret": optional(secret, { example: "secret-from-the-provider" }, "Client secret from the provider."),
  "oidc.client_secret_path": optional(
    path,
    { example: "$CREDENTIALS_DIRECTORY/oidc_client_secret" },
    "The same from a file; $NAME stands for a variable of the environment.",
  ),
  "oidc.scope": key(
    listOf(text),
    ["openid", "profile", "email"],
    "What is asked of the provider; openid must be among it.",
  ),
  "oidc.email_verified_required": key(
    flag,
    "true",
    "An e-mail address that the provider has not verified (email_verified) counts as none.",
  ),
  "oidc.extra_params": key(
    mapOf(text),
    {},
    "More parameters for the provider's login page, such as {prompt: select_account}.",
  ),
  "oidc.allowed_domains": key(
    listOf(text),
    [],
    "Only e-mail addresses of these domains may log in. Of the three lists, each that is not empty must be passed.",
  ),
  "oidc.allowed_users": key(listOf(text), [], "Only these e-mail addresses may log in."),
  "oidc.allowed_groups": key(
    listOf(text),
    [],
    "Only members of one of these groups (claim groups) may log in; many providers want scope to hold groups for that.",
  ),
  "oidc.use_expiry_from_token": key(
    flag,
    "false",
    "A node's login ends with the provider's ID token instead of after node.expiry. Such tokens often live for minutes only.",
  ),
  "oidc.pkce.enabled": key(flag, "false", "Prove to the provider that the login began here (RFC 7636)."),
  "oidc.pkce.method": key(choice(["S256", "plain"]), "S256", "S256, or plain for providers that know nothing else."),
} satisfies Record<string, Key<unknown>>;

export interface OidcConfig {
  readonly issuer: string;
  readonly onlyStartIfAvailable: boolean;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly scopes: readonly string[];
  readonly emailVerifiedRequired: boolean;
  readonly extraParams: Readonly<Record<string, string>>;
  /** Each of the three lists that is not empty must be passed. */
  readonly allowedDomains: readonly string[];
  readonly allowedUsers: readonly string[];
  readonly allowedGroups: readonly string[];
  readonly useExpiryFromToken: boolean;
  /** `undefined`: no PKCE. */
  readonly pkce: "S256" | "plain" | undefined;
}

type OidcReading = Reading<typeof oidcKeys>;

/** `undefined`: no issuer, logins are approved by command. */
export function oidcSection(reading: OidcReading, around: Surroundings): OidcConfig | undefined {
  const { value, remarks } = reading;
  const issuer = value["oidc.issuer"];
  if (issuer === undefined) return undefined;
  const clientId = value["oidc.client_id"];
  if (clientId === undefined)
    remarks.refuse("oidc.client_id", "is missing: write the client id that the provider gave you");
  if (isCleartext(issuer))
    remarks.warn("oidc.issuer", "is spoken to in clear text: who can read it there logs in as anybody. Write https://");
  if (!value["oidc.scope"].includes("openid")) remarks.refuse("oidc.scope", "must contain openid");
  return {
    issuer,
    onlyStartIfAvailable: value["oidc.only_start_if_oidc_is_available"],
    clientId: clientId ?? "",
    clientSecret: clientSecret(reading, around) ?? new Secret(""),
    scopes: value["oidc.scope"],
    emailVerifiedRequired: value["oidc.email_verified_required"],
    extraParams: value["oidc.extra_params"],
    allowedDomains: value["oidc.allowed_domains"],
    allowedUsers: value["oidc.allowed_users"],
    allowedGroups: value["oidc.allowed_groups"],
    useExpiryFromToken: value["oidc.use_expiry_from_token"],
    pkce: value["oidc.pkce.enabled"] ? value["oidc.pkce.method"] : undefined,
  };
}

/** On this machine nobody listens in. */
function isCleartext(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === "http:" && !/^(?:localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);
}

function clientSecret({ value, remarks }: OidcReading, { place, env, readText }: Surroundings): Secret | undefined {
  const written = value["oidc.client_secret"];
  const file = value["oidc.client_secret_path"];
  if (written !== undefined && file !== undefined) {
    remarks.refuse("oidc.client_secret_path", "set either this or oidc.client_secret, not both");
  }
  if (file === undefined) {
    if (written === undefined)
      remarks.refuse(
        "oidc.client_secret",
        "is missing: write the secret that the provider gave you, or oidc.client_secret_path",
      );
    return written;
  }
  const expanded = file.replace(/\$\{(\w+)\}|\$(\w+)/g, (_, braced, bare) => env[braced ?? bare] ?? "");
  const content = readText(place.resolve(expanded))?.trim();
  if (content === undefined)
    remarks.refuse(
      "oidc.client_secret_path",
      "cannot be read: check that the file exists and that this user may read it",
    );
  else if (content === "") remarks.refuse("oidc.client_secret_path", "names an empty file");
  return content === undefined ? undefined : new Secret(content);
}
