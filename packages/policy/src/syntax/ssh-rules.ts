import type { HujsonValue } from "#hujson/hujson.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { Located, SshRule } from "./policy-document.ts";
import { quote } from "./quote.ts";
import type { Selector } from "./selector.ts";
import type { SyntaxContext } from "./syntax-context.ts";

const defaultCheckPeriodMs = 12 * 3_600_000;
const maxCheckPeriodNs = 168 * 3600e9;

export function readSshRule(context: SyntaxContext, value: HujsonValue): SshRule {
  let action: Located = { text: "", at: value.start };
  let users: readonly Located[] = [];
  let usersAt = value.start;
  let period: Located | undefined;
  let src: Selector[] = [];
  let dst: Selector[] = [];
  let recorder: Selector[] = [];
  let acceptEnv: readonly string[] | undefined;
  let enforceRecorder = false;
  let srcPosture: Located[] | undefined;
  context.fields(value, "ssh", {
    action: (field) => {
      action = { text: context.text(field, "ssh.action").trim(), at: field.start };
    },
    src: (field) => {
      src = context.selectors(field, "ssh.src");
    },
    dst: (field) => {
      dst = context.selectors(field, "ssh.dst");
    },
    users: (field) => {
      users = context.texts(field, "ssh.users").map(({ text, at }) => ({ text: text.trim(), at }));
      usersAt = field.start;
    },
    checkPeriod: (field) => {
      period = { text: context.text(field, "ssh.checkPeriod"), at: field.start };
    },
    acceptEnv: (field) => {
      const entries = context.texts(field, "ssh.acceptEnv");
      const empty = entries.find(({ text }) => text === "");
      if (empty !== undefined) context.problem(empty.at, "acceptEnv values cannot be empty");
      acceptEnv = entries.map(({ text }) => text);
    },
    recorder: (field) => {
      recorder = context.selectors(field, "ssh.recorder");
    },
    enforceRecorder: (field) => {
      enforceRecorder = context.flag(field, "ssh.enforceRecorder");
    },
    srcPosture: (field) => {
      srcPosture = context.texts(field, "ssh.srcPosture");
    },
  });
  checkAction(context, action);
  checkUsers(context, users, usersAt);
  const checkPeriodMs = readPeriod(context, period, action.text);
  const names = users.map(({ text }) => text);
  const kind = action.text === "check" ? "check" : "accept";
  return {
    span: value,
    action: kind,
    src,
    dst,
    users: names,
    checkPeriodMs,
    acceptEnv,
    recorder,
    enforceRecorder,
    srcPosture,
  };
}

function checkAction(context: SyntaxContext, { text, at }: Located): void {
  if (text === "") context.problem(at, "action must be specified");
  else if (text !== "accept" && text !== "check") context.problem(at, `${quote(text)} is not a valid action`);
}

function checkUsers(context: SyntaxContext, users: readonly Located[], at: number): void {
  if (users.length === 0) context.problem(at, "users must be specified");
  for (const user of users) {
    if (user.text === "" || user.text === "*") context.problem(user.at, `user ${quote(user.text)} is not valid`);
    else if (looksLikeSelector(user.text))
      context.warn(user.at, `user ${quote(user.text)} is taken as the name of a local user`);
  }
}

function looksLikeSelector(user: string): boolean {
  return (
    /^(?:autogroup|group|tag|localpart):/.test(user) && user !== "autogroup:nonroot" && !user.startsWith("localpart:*@")
  );
}

function readPeriod(context: SyntaxContext, period: Located | undefined, action: string): number {
  if (period === undefined) return defaultCheckPeriodMs;
  if (action === "accept") context.warn(period.at, 'checkPeriod has no effect with action "accept"');
  if (period.text === "always") return 0;
  const ns = parseDuration(period.text);
  if (typeof ns === "object") context.problem(period.at, ns.error);
  else if (ns < 0) context.problem(period.at, `checkPeriod ${formatDuration(ns)} must be a positive duration`);
  else if (ns > maxCheckPeriodNs)
    context.problem(period.at, `checkPeriod ${formatDuration(ns)} is above the max (168h)`);
  else return ns / 1e6;
  return defaultCheckPeriodMs;
}
