import { CurlBrowser, type FormPage } from "./curl-browser.ts";
import type { Lab } from "./lab.ts";
import type { Server } from "./server.ts";

/** Somebody with an account at the lab's identity provider and a browser. */
export interface Person {
  readonly browser: CurlBrowser;
  /** Opens a link, signs in where it leads, and is shown what comes back. */
  signIn(url: string): Promise<FormPage>;
}

export interface SignInLab {
  readonly server: Server;
  person(name: string): Person;
}

/** A provider, a server that trusts it, and people; nodes of theirs expire with the provider's tokens. */
export async function signInLab(lab: Lab, tokenLifeS: number): Promise<SignInLab> {
  const issuer = await lab.identityProvider(tokenLifeS);
  const oidc = {
    issuer,
    client_id: "headscale",
    client_secret: "lab-secret",
    allowed_domains: ["example.test"],
    use_expiry_from_token: true,
    pkce: { enabled: true },
  };
  const server = await lab.server({ config: { oidc } });
  return {
    server,
    person(name) {
      const browser = new CurlBrowser(server.host, name);
      return { browser, signIn: (url) => signIn(browser, issuer, url, name) };
    },
  };
}

/** Fills in the provider's pages, name and consent, until it sends the browser back. */
async function signIn(browser: CurlBrowser, issuer: string, url: string, name: string): Promise<FormPage> {
  let page = await browser.visit(url);
  for (let pages = 0; page.url.startsWith(issuer) && pages < 4; pages++) {
    page = await browser.submit(page, page.html.includes('name="login"') ? { login: name, password: "any" } : {});
  }
  return page;
}
