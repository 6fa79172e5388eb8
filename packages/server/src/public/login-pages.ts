import { Hono } from "hono";
import { html } from "hono/html";
import type { Keepsake } from "#auth/oidc/arrival.ts";
import { type CookieTerms, keep } from "./keep.ts";
import { answerPage, commandBox, type Markup } from "./page/page.ts";
import { shellWord } from "./shell-word.ts";

export type LoginState = "waiting" | "approved" | "rejected" | "unknown";

/** What the server knows of a login that somebody has to approve. */
export interface WaitingLogin {
  readonly state: LoginState;
  /** Name and system that the device gives itself, so that people can tell their own from others'. */
  readonly hostname?: string;
  readonly os?: string;
}

export interface LoginPagesDeps extends CookieTerms {
  /** Never throws for an id that is not known: its state is `unknown`. */
  readonly findLogin: (authId: string) => Promise<WaitingLogin>;
  /** Where the identity provider takes this login over; `undefined`: it is approved by command. */
  readonly signIn: (authId: string) => Promise<{ readonly url: string; readonly cookie: Keepsake } | undefined>;
  /** Whom a new node would belong to: the default or only user, `some` when there are several, `none` when there is nobody. */
  readonly suggestUser: () => { readonly name: string } | "some" | "none";
  /** First words of the administrator's command line. */
  readonly ctl: string;
}

/** `hskey-authreq-` and 24 hex digits. Source: headscale hscontrol/types/common.go@f20f1f12. */
const authIdPattern = /^hskey-authreq-[0-9a-f]{24}$/;

/** `GET /register/{auth_id}` and `GET /auth/{auth_id}`: the first pages that a new user sees. */
export function createLoginPages(deps: LoginPagesDeps): Hono {
  const app = new Hono();
  for (const kind of ["register", "auth"] as const) {
    app.get(`/${kind}/:authId`, async (context) => {
      const authId = context.req.param("authId");
      if (!authIdPattern.test(authId)) return answerPage(context, malformedPage, 400);
      if (context.req.header("accept")?.startsWith("application/json")) {
        const { state } = await deps.findLogin(authId);
        context.header("Cache-Control", "no-store");
        return context.json({ state });
      }
      const elsewhere = await deps.signIn(authId);
      if (elsewhere) {
        keep(context, deps, elsewhere.cookie);
        context.header("Cache-Control", "no-store");
        return context.redirect(elsewhere.url, 302);
      }
      const login = await deps.findLogin(authId);
      return answerPage(
        context,
        kind === "register" ? registerPage(deps, authId, login) : approvePage(deps, authId, login),
      );
    });
  }
  return app;
}

const malformedPage = {
  title: "Not a login",
  body: html`<div class="card"><h1>This is not a login</h1>
<p>The address is not complete. Open the whole link that <code>tailscale up</code> printed, or run it again for a new one.</p></div>`,
};

function registerPage({ ctl, suggestUser }: LoginPagesDeps, authId: string, login: WaitingLogin) {
  const user = suggestUser();
  const body = html`<div class="card">
<h1>Add this device to the network</h1>
${deviceFacts(login)}
${whileOpen(
  login,
  html`<p>On the server, an administrator runs ${user === "none" ? "these two commands" : "this command"}:</p>
${registerCommands(ctl, authId, user)}`,
  "The device is in the network. You can close this page.",
)}
</div>
<p class="quiet">Only approve a device that you know: it will reach whatever its user may reach.</p>`;
  return { title: "Add a device", body };
}

function registerCommands(ctl: string, authId: string, user: ReturnType<LoginPagesDeps["suggestUser"]>): Markup {
  const register = (name: string) => `${ctl} auth register --auth-id ${authId} --user ${name}`;
  if (user === "none") {
    return html`${commandBox(`${ctl} users create alice`)}${commandBox(register("alice"))}
<p class="quiet">The server has no user yet. Put another name in place of <code>alice</code> if you like.</p>`;
  }
  if (user === "some") {
    return html`${commandBox(register("USERNAME"))}
<p class="quiet">Put the name of the user whom the device belongs to in place of <code>USERNAME</code>; <code>${ctl} users list</code> shows them.</p>`;
  }
  return commandBox(register(shellWord(user.name)));
}

function approvePage({ ctl }: LoginPagesDeps, authId: string, login: WaitingLogin) {
  const body = html`<div class="card">
<h1>Confirm this login</h1>
${deviceFacts(login)}
${whileOpen(
  login,
  html`<p>A connection waits for approval. On the server, an administrator runs this command:</p>
${commandBox(`${ctl} auth approve --auth-id ${authId}`)}
<p class="quiet">To turn it down: <code>${ctl} auth reject --auth-id ${authId}</code></p>`,
  "Approved. You can close this page.",
)}
</div>`;
  return { title: "Confirm a login", body };
}

function deviceFacts({ hostname, os }: WaitingLogin): Markup | "" {
  if (hostname === undefined) return "";
  return html`<dl><dt>Device</dt><dd>${hostname}</dd>${os === undefined ? "" : html`<dt>System</dt><dd>${os}</dd>`}</dl>`;
}

const stateTexts: Readonly<Record<Exclude<LoginState, "approved">, string>> = {
  waiting: "Waiting for approval…",
  rejected: "This login was turned down.",
  unknown: "This login is over or was never begun here. Run “tailscale up” again for a new link.",
};

/** What to do while nobody has decided, and how it stands; a login that this server does not know may be another's. */
function whileOpen(login: WaitingLogin, instructions: Markup, approved: string): Markup {
  const state = stateLine(login, approved);
  if (login.state === "waiting") return html`${instructions}${state}`;
  return login.state === "unknown" ? html`${state}${instructions}` : state;
}

function stateLine({ state }: WaitingLogin, approved: string): Markup {
  const text = state === "approved" ? approved : stateTexts[state];
  return html`<p class="state ${state}" role="status" data-approved="${approved}" data-rejected="${stateTexts.rejected}" data-unknown="${stateTexts.unknown}">${text}</p>`;
}
