import { html } from "hono/html";
import { type Arrival, answerPath } from "#auth/oidc/arrival.ts";
import type { Account, Question } from "#auth/oidc/question.ts";
import type { Markup } from "./page.ts";

interface Page {
  readonly title: string;
  readonly body: Markup;
}
type Asked = Extract<Arrival, { readonly kind: "asks" }>;
type Verdict = Exclude<Arrival, Asked>;

/** What is about to happen, and to whom: the link may have come from somebody who wants in as somebody else. */
export function questionPage({ question, account, authId, proof }: Asked): Page {
  const words = wording(question);
  const body = html`<form class="card" method="post" action="${answerPath(question.kind, authId)}">
<h1>${words.heading}</h1>
<p>${words.lead}</p>
<dl>${words.facts}<dt>Account</dt><dd>${accountFact(account)}</dd></dl>
${words.notice === "" ? "" : html`<div class="notice">${words.notice}</div>`}
<input type="hidden" name="proof" value="${proof}">
<div class="choice">
<button class="button" name="verdict" value="accept">${words.accept}</button>
<button class="button plain" name="verdict" value="reject">${words.reject}</button>
</div>
</form>
<p class="quiet">${words.warning}</p>`;
  return { title: words.heading, body };
}

function wording(question: Question) {
  return question.kind === "register" ? deviceWording(question) : checkWording(question);
}

function deviceWording({ hostname, os, machine, tags, isAnothers }: Extract<Question, { kind: "register" }>) {
  const notices = [
    ...(tags.length > 0
      ? [
          html`<p>It asks for ${tags.map((tag) => html`<code>${tag}</code> `)}as its tags: it will belong to them and not to you.</p>`,
        ]
      : []),
    ...(isAnothers
      ? [html`<p>This device is in the network already, for somebody else. It will be there a second time.</p>`]
      : []),
  ];
  return {
    heading: "Connect this device?",
    lead: html`It joins the network and reaches whatever your account may reach.`,
    facts: html`<dt>Device</dt><dd>${hostname || "(without a name)"}</dd>${os === "" ? "" : html`<dt>System</dt><dd>${os}</dd>`}<dt>Machine key</dt><dd><code>${machine}</code></dd>`,
    notice: notices.length === 0 ? ("" as const) : html`${notices}`,
    accept: "Connect",
    reject: "Not mine",
    warning:
      "Connect only a device that is in your hands. If somebody sent you the link, it is theirs: choose “Not mine”.",
  };
}

function checkWording({ source, destination, login }: Extract<Question, { kind: "ssh-check" }>) {
  return {
    heading: "Allow this SSH connection?",
    lead: html`The access policy wants you to confirm it.`,
    facts: html`<dt>From</dt><dd>${source}</dd><dt>To</dt><dd>${destination}</dd><dt>As</dt><dd><code>${login}</code></dd>`,
    notice: "" as const,
    accept: "Allow",
    reject: "Refuse",
    warning: "Allow only a connection that you are opening yourself, just now.",
  };
}

function accountFact({ name, detail }: Account): Markup {
  return detail === undefined ? html`${name}` : html`${name} <span class="quiet">${detail}</span>`;
}

const headings: Readonly<Record<Verdict["kind"], string>> = {
  registered: "Connected",
  renewed: "Signed in again",
  "ssh-approved": "Allowed",
  rejected: "Turned down",
};

/** It is done. */
export function verdictPage({ kind, account, device }: Verdict): Page {
  const heading = headings[kind];
  const says: Readonly<Record<Verdict["kind"], Markup>> = {
    registered: html`<strong>${device}</strong> is in the network, as a device of ${account.name}.`,
    renewed: html`<strong>${device}</strong> goes on as a device of ${account.name}.`,
    "ssh-approved": html`The connection to <strong>${device}</strong> goes on.`,
    rejected: html`Nothing was connected.`,
  };
  const state = kind === "rejected" ? "rejected" : "approved";
  const body = html`<div class="card"><h1 class="state ${state}">${heading}</h1>
<p>${says[kind]} You can close this page.</p></div>`;
  return { title: heading, body };
}
