import { type Kind, scalar } from "./kind.ts";

function httpUrl(written: string): URL | undefined {
  if (!/^https?:\/\//i.test(written) || !URL.canParse(written)) return undefined;
  const url = new URL(written);
  return url.username === "" && url.password === "" ? url : undefined;
}

/** Any web address without credentials in it, as written. */
export const webUrl: Kind<string> = scalar("a URL that starts with https:// or http://", (written) =>
  httpUrl(written) ? written : undefined,
);

/**
 * The address that clients are given: scheme, host and port, without a final slash.
 * A path is refused because clients keep only the host when they dial. Source: tailscale control/controlhttp/client.go@de9ec7ee.
 */
export const serverUrl: Kind<string> = scalar(
  "https://NAME or http://ADDRESS:PORT, with nothing behind the port",
  (written) => {
    const url = httpUrl(written);
    return url && url.pathname === "/" && url.search === "" && url.hash === "" ? written.replace(/\/$/, "") : undefined;
  },
);
