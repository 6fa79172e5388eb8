import { AcmeError } from "./acme-error.ts";
import type { Identifier } from "./identifier.ts";
import type { RenewalWindow } from "./renewal.ts";

/** What an authority offers. Source: RFC 8555 §7.1.1, profiles: draft-ietf-acme-profiles §3, renewalInfo: RFC 9773 §4. */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly renewalInfo: string | undefined;
  readonly profiles: readonly string[];
  readonly externalAccountRequired: boolean;
}

/** RFC 8555 §7.1.3. */
export interface Order {
  readonly status: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | undefined;
  readonly error: Problem | undefined;
}

/** RFC 8555 §7.1.4. */
export interface Authorization {
  readonly status: string;
  readonly identifier: Identifier;
  readonly challenges: readonly Challenge[];
}

export interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly error: Problem | undefined;
}

/** RFC 7807, type shortened by ACME's prefix (RFC 8555 §6.7). */
export interface Problem {
  readonly type: string;
  readonly detail: string;
}

type Fields = Readonly<Record<string, unknown>>;

export function parseDirectory(json: unknown): Directory {
  const fields = object(json, "directory");
  const meta = isObject(fields.meta) ? fields.meta : {};
  return {
    newNonce: url(fields, "newNonce"),
    newAccount: url(fields, "newAccount"),
    newOrder: url(fields, "newOrder"),
    renewalInfo: fields.renewalInfo === undefined ? undefined : url(fields, "renewalInfo"),
    profiles: isObject(meta.profiles) ? Object.keys(meta.profiles) : [],
    externalAccountRequired: meta.externalAccountRequired === true,
  };
}

export function parseOrder(json: unknown): Order {
  const fields = object(json, "order");
  return {
    status: text(fields, "status"),
    authorizations: list(fields, "authorizations").map((item) => url({ authorizations: item }, "authorizations")),
    finalize: url(fields, "finalize"),
    certificate: fields.certificate === undefined ? undefined : url(fields, "certificate"),
    error: parseProblem(fields.error),
  };
}

export function parseAuthorization(json: unknown): Authorization {
  const fields = object(json, "authorization");
  const { type, value } = object(fields.identifier, "identifier");
  if ((type !== "dns" && type !== "ip") || typeof value !== "string") throw badField("identifier");
  const challenges = list(fields, "challenges").filter(isObject);
  return {
    status: text(fields, "status"),
    identifier: { type, value },
    // Kinds without a token are none we could answer.
    challenges: challenges.filter(({ token }) => typeof token === "string").map(parseChallenge),
  };
}

/** `undefined` when there is no problem document. */
export function parseProblem(json: unknown): Problem | undefined {
  if (!isObject(json) || typeof json.type !== "string") return undefined;
  const inner = Array.isArray(json.subproblems) ? json.subproblems.map(parseProblem) : [];
  const details = [json.detail, ...inner.map((problem) => problem?.detail)];
  return {
    type: json.type.replace("urn:ietf:params:acme:error:", ""),
    detail: details
      .filter((detail) => typeof detail === "string")
      .join("; ")
      .slice(0, 1_000),
  };
}

/** The window of a renewalInfo answer; `undefined` when it is no window in time (RFC 9773 §4.2: then ignore it). */
export function parseRenewalWindow(json: unknown): RenewalWindow | undefined {
  const window = isObject(json) ? json.suggestedWindow : undefined;
  if (!isObject(window) || typeof window.start !== "string" || typeof window.end !== "string") return undefined;
  const [start, end] = [Date.parse(window.start), Date.parse(window.end)];
  return start < end ? { start, end } : undefined;
}

/** `Retry-After` in milliseconds from `now`: seconds or an HTTP date (RFC 9110 §10.2.3). */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function parseChallenge(fields: Fields): Challenge {
  const token = text(fields, "token");
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(token)) throw badField("token");
  return { type: text(fields, "type"), url: url(fields, "url"), token, error: parseProblem(fields.error) };
}

function isObject(json: unknown): json is Fields {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function object(json: unknown, name: string): Fields {
  if (!isObject(json)) throw badField(name);
  return json;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw badField(name);
  return value;
}

function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw badField(name);
  return value;
}

/** All ACME traffic is HTTPS (RFC 8555 §6.1). */
function url(fields: Fields, name: string): string {
  const value = text(fields, name);
  if (!value.startsWith("https://") || !URL.canParse(value)) throw badField(name);
  return value;
}

function badField(name: string): AcmeError {
  return new AcmeError("bad-answer", `the certificate authority's answer has no valid "${name}"`);
}
