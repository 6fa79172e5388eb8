import { html } from "hono/html";
import type { SignInError, SignInErrorCode } from "#auth/oidc/sign-in-error.ts";
import type { Markup } from "./page.ts";

type Status = 400 | 401 | 403 | 410 | 502 | 503;
type Say = "again" | "not-allowed" | "over" | "device" | "provider" | "owner" | "declined";

/** What each refusal looks like from outside. Source of the numbers: headscale f20f1f12 hscontrol/oidc.go. */
const refusals: Readonly<Record<SignInErrorCode, readonly [Status, Say]>> = {
  "callback-incomplete": [400, "again"],
  "not-begun-here": [400, "again"],
  "state-mismatch": [403, "again"],
  "already-used": [410, "over"],
  "ran-out": [410, "over"],
  "turned-down": [403, "declined"],
  "client-refused": [502, "provider"],
  "code-refused": [403, "again"],
  "token-invalid": [403, "again"],
  "user-info-mismatch": [403, "again"],
  "subject-unusable": [403, "not-allowed"],
  "email-not-verified": [401, "not-allowed"],
  "domain-not-allowed": [401, "not-allowed"],
  "user-not-allowed": [401, "not-allowed"],
  "group-not-allowed": [401, "not-allowed"],
  "not-the-owner": [403, "owner"],
  "device-refused": [403, "device"],
  "form-invalid": [403, "again"],
  "provider-unavailable": [502, "provider"],
  "too-many": [503, "provider"],
};

const texts: Readonly<Record<Say, readonly [heading: string, text: string]>> = {
  again: [
    "The login did not work",
    "It has to begin and end in the same browser. Open the link that “tailscale up” printed once more, or run it again for a new one.",
  ],
  over: ["This login is over", "It was finished already or took too long. Run “tailscale up” again for a new link."],
  "not-allowed": [
    "You may not sign in here",
    "The identity provider knows you, but this server lets in others only. Sign in with another account, or ask the administrator of the network.",
  ],
  declined: [
    "You were not signed in",
    "The identity provider turned the login down, or you did. Open the link that “tailscale up” printed to try again.",
  ],
  owner: [
    "This is not yours to answer",
    "Only the owner of the device that the connection comes from may answer. Sign in with that account.",
  ],
  device: ["The device was not let in", ""],
  provider: [
    "The identity provider does not answer",
    "Your login still waits. Open the link that “tailscale up” printed again in a minute.",
  ],
};

export function statusOf({ code }: SignInError): Status {
  return refusals[code][0];
}

/** Says what to do, not what was found: why exactly is in the log. A device's refusal is the model's own sentence. */
export function refusalPage({ code, message }: SignInError): { readonly title: string; readonly body: Markup } {
  const [heading, text] = texts[refusals[code][1]];
  const body = html`<div class="card"><h1>${heading}</h1>
<p>${text || `${message}.`}</p>
<p class="quiet">Nothing was changed.</p></div>`;
  return { title: heading, body };
}
