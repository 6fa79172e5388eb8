import type { AuthRequestId } from "@headscale/tailnet";
import type { Account, Question } from "./question.ts";

export const callbackPath = "/oidc/callback";
export const ticketCookie = "headscale_sign_in";
/** A login's cookie is found by the beginning of its state, so that several can be under way in one browser. */
export const loginCookie = (state: string): string => `headscale_login_${state.slice(0, 8)}`;
/** `/register/confirm/ID` or `/auth/confirm/ID` */
export const answerPath = (kind: Question["kind"], authId: string): string =>
  `/${kind === "register" ? "register" : "auth"}/confirm/${authId}`;

/** A cookie that the answer sets; it goes back only to `path`. */
export interface Keepsake {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly expiresAt: number;
}

/** What a sign-in came to. */
export type Verdict = {
  readonly kind: "registered" | "renewed" | "ssh-approved" | "rejected";
  readonly account: Account;
  /** Name of the device, where there is one. */
  readonly device: string;
};

/** What the provider's answer leads to: done, or a question whose answer comes back with the ticket. */
export type Arrival =
  | Verdict
  | {
      readonly kind: "asks";
      readonly question: Question;
      readonly account: Account;
      readonly authId: AuthRequestId;
      /** Proves that the answer came from the page that asked. */
      readonly proof: string;
      readonly ticket: Keepsake;
    };
