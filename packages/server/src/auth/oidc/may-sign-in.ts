import type { OidcConfig } from "#config/section/oidc.ts";
import type { Claims } from "./claims.ts";
import { SignInError } from "./sign-in-error.ts";

export type SignInRules = Pick<
  OidcConfig,
  "emailVerifiedRequired" | "allowedDomains" | "allowedUsers" | "allowedGroups"
>;

/**
 * Every list that is not empty has to be passed; those of e-mails only with one that is verified, unless that is not
 * required. Source: headscale f20f1f12 hscontrol/oidc.go (doOIDCAuthorization). @throws {SignInError} when it is not
 */
export function assertMaySignIn(claims: Claims, rules: SignInRules): void {
  const { allowedDomains, allowedUsers, allowedGroups } = rules;
  if (allowedGroups.length > 0 && !allowedGroups.some((group) => claims.groups?.includes(group)))
    throw new SignInError("group-not-allowed", "is in none of oidc.allowed_groups");
  if (allowedDomains.length === 0 && allowedUsers.length === 0) return;
  if (rules.emailVerifiedRequired && !claims.emailVerified)
    throw new SignInError("email-not-verified", "the provider does not vouch for the e-mail address");
  const email = folded(claims.email ?? "");
  const domain = email.slice(email.lastIndexOf("@") + 1);
  if (allowedDomains.length > 0 && !(email.includes("@") && allowedDomains.some((one) => folded(one) === domain)))
    throw new SignInError("domain-not-allowed", "the e-mail address is in none of oidc.allowed_domains");
  if (allowedUsers.length > 0 && !(email !== "" && allowedUsers.some((one) => folded(one) === email)))
    throw new SignInError("user-not-allowed", "the e-mail address is not in oidc.allowed_users");
}

/** ASCII alone: Unicode's folding makes equal what mail servers keep apart (U+212A is no k). */
function folded(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
