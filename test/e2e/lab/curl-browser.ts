import { join } from "node:path";
import type { Host } from "./host.ts";
import { succeeded } from "./process.ts";

/** A page with a form, as curl got it. */
export interface FormPage {
  readonly url: string;
  readonly html: string;
}

/** curl as a person's browser: it follows redirects and keeps cookies; its owner fills in forms. */
export class CurlBrowser {
  readonly #host: Host;
  readonly #jar: string;

  /** Browsers of different names share nothing. */
  constructor(host: Host, name: string) {
    this.#host = host;
    this.#jar = join(host.directory, `${name}.cookies`);
  }

  visit(url: string): Promise<FormPage> {
    return this.#go(url);
  }

  /** Sends the page's form with its hidden fields and these. */
  async submit({ url, html }: FormPage, fields: Readonly<Record<string, string>>): Promise<FormPage> {
    const action = /<form[^>]* action="([^"]*)"/.exec(html)?.[1];
    if (action === undefined) throw new Error(`no form at ${url}:\n${html}`);
    const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    const all = { ...Object.fromEntries(hidden.map(([, name = "", value = ""]) => [name, value])), ...fields };
    return this.#go(new URL(action, url).href, ...Object.entries(all).flatMap(([name, value]) => data(name, value)));
  }

  async #go(url: string, ...more: readonly string[]): Promise<FormPage> {
    const options = ["-sSL", "--max-time", "20", "-b", this.#jar, "-c", this.#jar, "-w", "\n%{url_effective}"];
    const { stdout } = succeeded(await this.#host.run(["curl", ...options, ...more, url]));
    const end = stdout.lastIndexOf("\n");
    return { url: stdout.slice(end + 1), html: stdout.slice(0, end) };
  }
}

function data(name: string, value: string): readonly string[] {
  return ["--data-urlencode", `${name}=${value}`];
}
