import { CliError } from "#failure.ts";

/** Where a daemon's admin API is. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  /** Without a slash at the end; a path is kept, for proxies that serve the daemon below one. */
  | { readonly kind: "http"; readonly url: string };

/** `unix:///path`, `https://host[:port]`, `http://host[:port]`, or a bare `host[:port]`, which means https. @throws {CliError} usage */
export function parseAddress(text: string): Address {
  const wrong = (why: string) =>
    new CliError(
      "usage",
      `address: ${why}; write https://HOST[:PORT], http://HOST[:PORT], HOST[:PORT] or unix:///PATH`,
    );
  const unix = /^unix:(?:\/\/)?(.*)$/.exec(text)?.[1];
  if (unix === "") throw wrong("no path");
  if (unix !== undefined) return { kind: "unix", path: unix };
  if (/^(?!https?:\/\/)[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw wrong("unknown scheme");
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `https://${text}`);
  if (url === null || text === "" || /\s/.test(text)) throw wrong("not a URL");
  if (url.username !== "" || url.password !== "") throw wrong("credentials do not belong into it, use the API key");
  if (url.search !== "" || url.hash !== "") throw wrong("it ends before any ? or #");
  return { kind: "http", url: url.href.replace(/\/+$/, "") };
}

export function describeAddress(address: Address): string {
  return address.kind === "unix" ? `unix socket ${address.path}` : address.url;
}
