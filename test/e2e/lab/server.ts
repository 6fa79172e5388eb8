import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { PostgresDatabase } from "../../support/postgres.ts";
import { programPath } from "../requirements.ts";
import { Admin } from "./admin.ts";
import type { Certificate } from "./certificates.ts";
import { type Daemon, type Host, tail } from "./host.ts";
import { until } from "./until.ts";

export interface ServerOptions {
  readonly address: string;
  /** A file for `derp.paths`. */
  readonly derpMap?: string;
  /**
   * Is reached by HTTPS on 443 under this name. Plain HTTP on the address when absent. An authority alone: it vouches for a
   * certificate that the server gets for itself, or that a proxy in front of it has.
   */
  readonly https?: { readonly name: string; readonly certificate: Certificate | Pick<Certificate, "authority"> };
  /** SQLite in the host's folder when absent. */
  readonly database?: PostgresDatabase;
  /** Merged over the lab's configuration, key by top-level key. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Added to the daemon's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, "../../..");
const port = 8080;
// A busy machine may take most of it; a certificate from an authority takes two seconds more.
const startsWithinMs = 45_000;
/** Neither port 80 beside an HTTPS server nor relays over plain HTTP. */
const httpsOnly = { TS_FORCE_NOISE_443: "1", TS_DEBUG_USE_DERP_HTTP: "" };

/** Where a server without TLS is found. */
export const serverUrl = (address: string): string => `http://${address}:${port}`;

/** Our daemon on a host of the lab, and its administrator. */
export class Server {
  readonly host: Host;
  /** Over plain HTTP a private address: after one broken connection a client with a name insists on HTTPS. */
  readonly url: string;
  readonly admin: Admin;
  /** What a client needs in its environment to trust this server. */
  readonly clientEnv: Readonly<Record<string, string>>;
  readonly #config: string;
  readonly #authority: string | undefined;
  readonly #env: Readonly<Record<string, string>>;
  #daemon: Daemon | undefined;

  constructor(host: Host, { address, derpMap, https, database, config, env = {} }: ServerOptions) {
    this.host = host;
    this.#env = env;
    this.url = https ? `https://${https.name}` : serverUrl(address);
    this.clientEnv = https ? { SSL_CERT_FILE: https.certificate.authority, ...httpsOnly } : {};
    this.#authority = https?.certificate.authority;
    this.admin = new Admin(join(host.directory, "hs.sock"));
    this.#config = join(host.directory, "config.yaml");
    const defaults = {
      server_url: this.url,
      listen_addr: `0.0.0.0:${https ? 443 : port}`,
      metrics_listen_addr: "",
      unix_socket: this.admin.socket,
      noise: { private_key_path: join(host.directory, "noise.key") },
      prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48" },
      derp: { server: { enabled: false }, urls: [], paths: derpMap ? [derpMap] : [] },
      dns: { magic_dns: true, base_domain: "example.test", override_local_dns: false },
      database: database ? postgresConfig(database) : sqliteConfig(host),
      disable_check_updates: true,
      log: { level: "debug" },
      ...(https && certificateFiles(https.certificate)),
    };
    writeFileSync(this.#config, stringify({ ...defaults, ...config }));
  }

  async start(): Promise<this> {
    const main = join(root, "packages/server/bin/headscale.js");
    const command = [process.execPath, main, "serve", "--config", this.#config] as const;
    const daemon = await this.host.daemon(command, "log", {
      PATH: programPath,
      HOME: this.host.directory,
      ...this.#env,
    });
    this.#daemon = daemon;
    const outcome = await until({
      what: "the server to answer its clients and its administrator",
      withinMs: startsWithinMs,
      probe: async () => {
        if (!daemon.alive()) return "ended";
        await this.admin.call("Health");
        await this.page("/health");
        return "up";
      },
      evidence: () => this.evidence(),
    });
    if (outcome === "ended") throw new Error(`the server ended at once\n${this.evidence()}`);
    return this;
  }

  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#daemon?.signal(signal);
    await this.#daemon?.exited();
  }

  /** Tells the server to read its files again. */
  reload(): void {
    this.#daemon?.signal("SIGHUP");
  }

  /** Freezes the server with its connections open. */
  pause(): void {
    this.#daemon?.signal("SIGSTOP");
  }

  continue(): void {
    this.#daemon?.signal("SIGCONT");
  }

  /** What the public web page at a URL or path of this server says. */
  async page(url: string): Promise<string> {
    const trust = this.#authority === undefined ? [] : ["--cacert", this.#authority];
    const curl = ["curl", "-sSf", "--max-time", "10", ...trust, new URL(url, this.url).href] as const;
    const { stdout, stderr, code } = await this.host.run(curl);
    if (code !== 0) throw new Error(`${url} cannot be read: ${stderr}`);
    return stdout;
  }

  /** Everything the server has logged. */
  get log(): string {
    return this.#daemon ? readFileSync(this.#daemon.log, "utf8") : "";
  }

  evidence(): string {
    return `--- server: log\n${this.#daemon ? tail(this.#daemon.log) : "(never started)"}`;
  }
}

function certificateFiles(certificate: Certificate | Pick<Certificate, "authority">): object {
  return "key" in certificate ? { tls_cert_path: certificate.certificate, tls_key_path: certificate.key } : {};
}

function sqliteConfig(host: Host): object {
  return { type: "sqlite", sqlite: { path: join(host.directory, "db.sqlite") } };
}

/** By socket: the lab has no way to the machine's loopback. */
function postgresConfig({ socketDirectory, port, user, database }: PostgresDatabase): object {
  return { type: "postgres", postgres: { host: socketDirectory, port, name: database, user, pass: "", ssl: false } };
}
