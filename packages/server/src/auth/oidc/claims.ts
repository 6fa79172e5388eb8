/** What the provider says of whoever signed in. Empty texts count as absent. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly displayName: string | undefined;
  readonly username: string | undefined;
  readonly picture: string | undefined;
  readonly groups: readonly string[] | undefined;
}

type Said = Readonly<Record<string, unknown>>;

/**
 * Claims of the ID token, where UserInfo knows better of UserInfo. `email_verified` goes with its own e-mail: one
 * source's word does not vouch for another's address. Source: OpenID Connect Core 1.0 sections 5.1 and 5.3.2.
 */
export function claimsOf(idToken: Said, userInfo: Said = {}): Claims {
  const said = (name: string) => textOf(userInfo[name]) ?? textOf(idToken[name]);
  const email = said("email");
  const verifiers = [userInfo, idToken].filter((one) => one.email_verified !== undefined);
  const verifier = verifiers.find((one) => one.email === undefined || one.email === email);
  return {
    issuer: textOf(idToken.iss) ?? "",
    subject: typeof idToken.sub === "string" ? idToken.sub : "",
    email,
    emailVerified: email !== undefined && isTrue(verifier?.email_verified),
    displayName: said("name"),
    username: said("preferred_username"),
    picture: said("picture"),
    groups: listOf(userInfo.groups) ?? listOf(idToken.groups),
  };
}

/** Whether UserInfo could add something that is wanted. */
export function lacksClaims(idToken: Said, wantsGroups: boolean): boolean {
  const wanted = ["email", "email_verified", "name", "preferred_username", "picture"];
  return [...wanted, ...(wantsGroups ? ["groups"] : [])].some((name) => idToken[name] === undefined);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim().toWellFormed() : undefined;
}

/** Some providers write booleans as text. */
function isTrue(value: unknown): boolean {
  return value === true || (typeof value === "string" && ["true", "1", "t"].includes(value.toLowerCase()));
}

/** Some providers write a single group as text. */
function listOf(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;
}
