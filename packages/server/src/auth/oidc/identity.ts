import { type ProviderIdentity, providerIdOf } from "@headscale/tailnet";
import type { Claims } from "./claims.ts";
import { SignInError } from "./sign-in-error.ts";

/** Together with the rest they stay below the 4096 bytes that a browser keeps of a cookie. */
const [maxEmail, maxDisplayName, maxPicture, maxIssuer, maxName] = [254, 128, 768, 256, 128];

/** Whom the claims are about, in the model's terms. @throws {SignInError} "subject-unusable" */
export function identityOf(claims: Claims, emailVerifiedRequired: boolean): ProviderIdentity {
  const providerId = claims.issuer.length > maxIssuer ? undefined : providerIdOf(claims.issuer, claims.subject);
  if (providerId === undefined)
    throw new SignInError("subject-unusable", "the provider's sub is none to tell users by");
  const { username, displayName } = claims;
  const picture = pictureOf(claims);
  const email = emailOf(claims, emailVerifiedRequired);
  return {
    providerId,
    ...(username !== undefined && username.length <= maxName && { name: username }),
    ...(displayName !== undefined && { displayName: clipped(displayName) }),
    ...(email !== undefined && { email }),
    ...(picture !== undefined && { profilePicUrl: picture }),
  };
}

/** Empty when there is one that nobody vouches for. */
function emailOf({ email, emailVerified }: Claims, mustBeVerified: boolean): string | undefined {
  if (email === undefined) return undefined;
  const isGood = email.length <= maxEmail && /^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u.test(email);
  return isGood && (emailVerified || !mustBeVerified) ? email : "";
}

function clipped(text: string): string {
  const clean = text.replace(/\p{Cc}+/gu, " ");
  return clean.length <= maxDisplayName
    ? clean
    : `${clean
        .slice(0, maxDisplayName - 1)
        .trimEnd()
        .toWellFormed()}…`;
}

/** Clients load it: an address, not the picture itself as some providers write it. */
function pictureOf({ picture }: Claims): string | undefined {
  if (picture === undefined || !/^https?:\/\//i.test(picture) || !URL.canParse(picture)) return undefined;
  const { href } = new URL(picture);
  return href.length <= maxPicture ? href : undefined;
}
