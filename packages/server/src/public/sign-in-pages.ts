import { type Context, Hono } from "hono";
import { getCookie } from "hono/cookie";
import { type Arrival, answerPath, callbackPath, loginCookie, ticketCookie } from "#auth/oidc/arrival.ts";
import { SignInError } from "#auth/oidc/sign-in-error.ts";
import { type CookieTerms, forget, keep } from "./keep.ts";
import { answerPage } from "./page/page.ts";
import { questionPage, verdictPage } from "./page/sign-in-page.ts";
import { refusalPage, statusOf } from "./page/sign-in-refusal.ts";
import { readBody } from "./read-body.ts";

/** The identity provider's part in a login, as the pages see it. */
export interface SignInAuthority {
  /** @throws {SignInError} */
  arrive(query: string, cookie: (name: string) => string | undefined): Promise<Arrival>;
  /** @throws {SignInError} */
  answer(
    path: string,
    ticket: string | undefined,
    form: URLSearchParams,
  ): Promise<Exclude<Arrival, { readonly kind: "asks" }>>;
}

export interface SignInPagesDeps extends CookieTerms {
  readonly authority: SignInAuthority;
}

const formLimits = { maxBytes: 4096, timeoutMs: 10_000 };
const authIdForm = "hskey-authreq-[0-9a-f]{24}";

/** `GET /oidc/callback`, and `POST /register/confirm/{auth_id}` or `/auth/confirm/{auth_id}` for the answer to what it asks. */
export function createSignInPages(deps: SignInPagesDeps): Hono {
  const app = new Hono();
  app.get(callbackPath, async (context) => {
    const state = context.req.query("state") ?? "";
    if (getCookie(context, loginCookie(state)) !== undefined) forget(context, deps, loginCookie(state), callbackPath);
    return answered(context, async () => {
      const { search } = new URL(context.req.url);
      const arrival = await deps.authority.arrive(search, (name) => getCookie(context, name));
      if (arrival.kind !== "asks") return answerPage(context, verdictPage(arrival));
      keep(context, deps, arrival.ticket, "Strict");
      return answerPage(context, questionPage(arrival));
    });
  });
  for (const [door, kind] of [
    ["register", "register"],
    ["auth", "ssh-check"],
  ] as const) {
    // Whoever loads the answer's page again gets to see how the login stands.
    app.get(`/${door}/confirm/:authId{${authIdForm}}`, (context) =>
      context.redirect(`/${door}/${context.req.param("authId")}`, 302),
    );
    app.post(`/${door}/confirm/:authId{${authIdForm}}`, (context) =>
      answered(context, async () => {
        const path = answerPath(kind, context.req.param("authId"));
        const body = await readBody(context.req.raw, formLimits);
        if (typeof body === "string") throw new SignInError("form-invalid", `the answer is ${body}`);
        const ticket = getCookie(context, ticketCookie);
        const verdict = await deps.authority.answer(path, ticket, new URLSearchParams(body.text));
        forget(context, deps, ticketCookie, path);
        return answerPage(context, verdictPage(verdict));
      }),
    );
  }
  return app;
}

async function answered(context: Context, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    return answerPage(context, refusalPage(error), statusOf(error));
  }
}
