import type { PolicyUser } from "../engine.ts";

/**
 * Finds the user a policy speaks of: by provider id first, else by login or name, with or without a trailing `@`.
 * A text that fits two users denotes nobody.
 */
export class UserDirectory {
  readonly #users: ReadonlyMap<number, PolicyUser>;
  readonly #byProvider = new Map<string, number[]>();
  readonly #byName = new Map<string, number[]>();

  constructor(users: ReadonlyMap<number, PolicyUser>) {
    this.#users = users;
    for (const user of users.values()) {
      if (user.providerId !== undefined) file(this.#byProvider, user.providerId, user.id);
      for (const name of namesOf(user)) file(this.#byName, name, user.id);
    }
  }

  get users(): ReadonlyMap<number, PolicyUser> {
    return this.#users;
  }

  user(id: number | undefined): PolicyUser | undefined {
    return id === undefined ? undefined : this.#users.get(id);
  }

  /** Id of the one user that the text denotes. */
  resolve(text: string): number | undefined {
    const name = bare(text);
    const found = this.#byProvider.get(text) ?? this.#byProvider.get(name) ?? this.#byName.get(name) ?? [];
    return found.length === 1 ? found[0] : undefined;
  }

  /** Ids of users with a name or provider id in common with this one; what denotes them hangs on each other. */
  sharing(user: PolicyUser): number[] {
    const names = [...namesOf(user)].flatMap((name) => this.#byName.get(name) ?? []);
    return user.providerId === undefined ? names : [...names, ...(this.#byProvider.get(user.providerId) ?? [])];
  }

  /** Every text that denotes this user. */
  textsFor(user: PolicyUser): string[] {
    const names = [...namesOf(user), ...(user.providerId === undefined ? [] : [user.providerId])];
    const texts = names.flatMap((name) => [name, `${name}@`]);
    return texts.filter((text) => this.resolve(text) === user.id);
  }
}

function namesOf(user: PolicyUser): ReadonlySet<string> {
  const names = [user.loginName, ...(user.name === undefined ? [] : [user.name])].map(bare);
  return new Set(names.filter((name) => name !== ""));
}

function bare(text: string): string {
  return text.endsWith("@") ? text.slice(0, -1) : text;
}

function file(index: Map<string, number[]>, key: string, id: number): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, [id]);
  else ids.push(id);
}

/** Domain of a login, behind the last `@`. */
export function loginDomain(loginName: string): string {
  return loginName.slice(loginName.lastIndexOf("@") + 1);
}

/** Mail providers that say nothing about who belongs together. */
const publicMailDomains: ReadonlySet<string> = new Set([
  "gmail.com",
  "googlemail.com",
  "outlook.com",
  "hotmail.com",
  "live.com",
  "icloud.com",
  "me.com",
  "yahoo.com",
  "proton.me",
  "protonmail.com",
  "gmx.de",
  "gmx.net",
  "web.de",
  "passkey",
  "github",
]);

/** Domains of the members' logins, for `localpart:*@DOMAIN`, without public mail providers. */
export function tailnetDomains(users: Iterable<PolicyUser>): string[] {
  const domains = Array.from(users, (user) =>
    user.shared === true || !user.loginName.includes("@") ? "" : loginDomain(user.loginName),
  );
  return [...new Set(domains.filter((domain) => domain !== "" && !publicMailDomains.has(domain)))];
}
