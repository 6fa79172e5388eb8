interface Kept {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

/** What a browser shows in the end. */
export interface Shown {
  readonly url: string;
  readonly status: number;
  readonly html: string;
  /** Where it was sent on its way, the first address included. */
  readonly way: readonly string[];
}

/** A browser as far as logins need one: it follows redirects, keeps cookies by path and host, and submits a page's form. */
export class Browser {
  /** By host, name and path. */
  readonly #jar = new Map<string, Kept>();

  /** Every cookie it holds now, as `name; attributes`. */
  get cookies(): readonly string[] {
    return [...this.#jar.values()].map(({ name, attributes }) => `${name}; ${attributes}`);
  }

  /** Goes to an address, and wherever that sends it; `stopAt` is not visited but shown as the last of the way. */
  async visit(address: string, stopAt?: (url: string) => boolean): Promise<Shown> {
    return this.#go(address, { method: "GET" }, stopAt);
  }

  /** Presses a button of the form on a page. */
  async press(page: Shown, button: Readonly<Record<string, string>>): Promise<Shown> {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.html)?.[1];
    if (action === undefined) throw new Error(`no form on the page:\n${page.html}`);
    const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
    const fields = hidden.map(([, name = "", value = ""]) => [name, value]);
    return this.post(new URL(action, page.url).href, { ...Object.fromEntries(fields), ...button });
  }

  post(address: string, fields: Readonly<Record<string, string>>): Promise<Shown> {
    return this.#go(address, { method: "POST", body: new URLSearchParams(fields) });
  }

  async #go(address: string, first: RequestInit, stopAt?: (url: string) => boolean): Promise<Shown> {
    const way = [address];
    let request = first;
    for (let url = address; way.length < 12; ) {
      if (stopAt?.(url)) return { url, status: 0, html: "", way };
      const response = await fetch(url, { ...request, redirect: "manual", headers: { cookie: this.#cookiesFor(url) } });
      const html = await response.text();
      for (const line of response.headers.getSetCookie()) this.#keep(url, line);
      const location = response.headers.get("location");
      if (location === null) return { url, status: response.status, html, way };
      url = new URL(location, url).href;
      request = { method: "GET" };
      way.push(url);
    }
    throw new Error(`sent around in circles:\n${way.join("\n")}`);
  }

  #cookiesFor(url: string): string {
    const { hostname, pathname } = new URL(url);
    const sent = [...this.#jar].filter(([key, { path }]) => key.startsWith(`${hostname} `) && covers(path, pathname));
    return sent.map(([, { name, value }]) => `${name}=${value}`).join("; ");
  }

  #keep(url: string, line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const path = attributes.find((one) => one.startsWith("Path="))?.slice(5) ?? "/";
    const name = pair.slice(0, pair.indexOf("="));
    const key = `${new URL(url).hostname} ${name} ${path}`;
    if (attributes.includes("Max-Age=0")) this.#jar.delete(key);
    else this.#jar.set(key, { name, value: pair.slice(name.length + 1), path, attributes: attributes.join("; ") });
  }
}

function covers(path: string, pathname: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}

/** The text of a page as a person reads it. */
export function readable(html: string): string {
  const text = html.replace(/<(style|script)>[\s\S]*?<\/\1>/g, "").replace(/<[^>]*>/g, " ");
  return text.replaceAll("&#39;", "'").replaceAll("&amp;", "&").replaceAll("&lt;", "<").replace(/\s+/g, " ").trim();
}
