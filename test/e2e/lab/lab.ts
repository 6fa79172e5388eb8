import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFailed } from "vitest";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import type { ClientVersion } from "../clients/build.ts";
import { makeSwitch, plugBehind, plugIn, translate, wire } from "./cabling.ts";
import { makeCertificate } from "./certificates.ts";
import { Client, type ClientOptions } from "./client.ts";
import { Host, tail } from "./host.ts";
import { type Relay, startRelay } from "./relay.ts";
import { Server, serverUrl } from "./server.ts";
import { until } from "./until.ts";

/** Where a host is found; the rest are numbered from `firstGuest`. */
const places = { server: 1, relay: 2, identityProvider: 3, firstGuest: 11 } as const;
const identityProviderPort = 9400;
const httpsName = "control.test";
const internetAddress = { v4: "203.0.113.7", v6: "2001:db8:7::7" } as const;

/** A network of its own for one test: hosts on a switch that leads nowhere else, gone when it is disposed. */
export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly #hosts: Host[] = [];
  readonly #switch: Host;
  #relay: Relay | undefined;
  #postgres: PostgresServer | undefined;
  #nextNumber: number = places.firstGuest;
  #logs = "";

  private constructor(directory: string, switchHost: Host) {
    this.directory = directory;
    this.#switch = switchHost;
    this.#hosts.push(switchHost);
  }

  /** To be called from inside a test: when that fails, the end of every log is printed. */
  static async start(): Promise<Lab> {
    // The path is short because a unix socket's path ends at 107 bytes.
    const directory = mkdtempSync(join(tmpdir(), "lab-"));
    const lab = new Lab(directory, await Host.boot("switch", join(directory, "switch")));
    onTestFailed(() => console.log(lab.#logs));
    try {
      await makeSwitch(lab.#switch);
      await lab.#run(lab.#switch, "dns-stub.ts");
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts one of the lab's own programs on a host and waits for its word. */
  async #run(host: Host, program: string, ...args: readonly string[]): Promise<void> {
    const path = join(import.meta.dirname, "programs", program);
    const daemon = await host.daemon([process.execPath, path, ...args], `${program}.log`, process.env);
    await until({
      what: `${program} on ${host.name}`,
      withinMs: 20_000,
      probe: () => tail(daemon.log).includes("ready"),
      evidence: () => tail(daemon.log),
    });
  }

  async #boot(name: string): Promise<Host> {
    const directory = join(this.directory, name);
    mkdirSync(directory);
    const host = await Host.boot(name, directory);
    this.#hosts.push(host);
    await host.shell(`echo "nameserver ${wire.v4(wire.switch)}" >/etc/resolv.conf.lab
      rm -f /etc/resolv.conf; mv /etc/resolv.conf.lab /etc/resolv.conf
      printf '127.0.0.1 localhost\\n::1 localhost\\n${wire.v4(places.server)} ${httpsName}\\n' >/etc/hosts`);
    return host;
  }

  /** A host on the switch. */
  async host(name: string, number = this.#nextNumber++): Promise<Host> {
    const host = await this.#boot(name);
    await plugIn(host, this.#switch, number);
    return host;
  }

  /** A host behind a router of its own that translates addresses. Between two hard ones there is no direct path. */
  async site(name: string, options: { hard: boolean }): Promise<Host> {
    const router = await this.host(`${name}-nat`);
    const host = await this.#boot(name);
    await plugBehind(host, router, `192.168.${this.#nextNumber}`, "lan0");
    await translate(router, options);
    return host;
  }

  /** A host that only `router` leads to, at `<network>.10`, answering HTTP on port 80. */
  async lan(router: Host, network: string): Promise<Host> {
    const host = await this.#boot(`${router.name}-lan`);
    await plugBehind(host, router, network, "lan0");
    await this.mirror(host, 80);
    return host;
  }

  /** A host with public addresses that only `router` has a way to, answering HTTP on port 80. */
  async internet(router: Host): Promise<typeof internetAddress> {
    const number = this.#nextNumber++;
    const host = await this.host("internet", number);
    await host.shell(`ip addr add ${internetAddress.v4}/32 dev lo; ip addr add ${internetAddress.v6}/128 dev lo nodad`);
    await router.shell(`sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
      ip route replace default via ${wire.v4(number)}
      ip -6 route replace default via ${wire.v6(number)}`);
    await this.mirror(host, 80);
    return internetAddress;
  }

  /** Runs a server, for HTTP and UDP, that tells a caller the address it came from. */
  mirror(host: Host, port: number): Promise<void> {
    return this.#run(host, "mirror.ts", String(port));
  }

  /** The lab's relay, started when first asked for. */
  async relay(): Promise<Relay> {
    this.#relay ??= await startRelay(await this.host("relay", places.relay), places.relay);
    return this.#relay;
  }

  /** An OpenID provider, real software on a host of its own, that lets everybody in under any name; its issuer. */
  async identityProvider(tokenLifeS: number): Promise<string> {
    const issuer = `http://${wire.v4(places.identityProvider)}:${identityProviderPort}`;
    const redirectUri = `${serverUrl(wire.v4(places.server))}/oidc/callback`;
    const host = await this.host("idp", places.identityProvider);
    await this.#run(host, "identity-provider.ts", issuer, redirectUri, String(tokenLifeS));
    return issuer;
  }

  async server({ database = "sqlite", https = false, config = {} }: LabServerOptions = {}): Promise<Server> {
    const relay = "derp" in config ? undefined : await this.relay();
    if (database === "postgres") this.#postgres = await startPostgres();
    const address = wire.v4(places.server);
    const certificate = https && (await makeCertificate(join(this.directory, "tls"), httpsName, address));
    const host = await this.host("ctl", places.server);
    return new Server(host, {
      address,
      config,
      ...(relay && { derpMap: relay.mapFile }),
      ...(this.#postgres && { database: this.#postgres }),
      ...(certificate && { https: { name: httpsName, certificate } }),
    }).start();
  }

  /** A client on the switch, or on the given host, started but not logged in. */
  async client(name: string, version: ClientVersion, server: LoginServer, more: ClientExtras = {}): Promise<Client> {
    const { host, ...options } = more;
    const env = { ...server.clientEnv, ...options.env };
    return new Client(host ?? (await this.host(name)), { ...options, version, loginServer: server.url, env }).start();
  }

  /** A file of the lab's own. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#logs = this.#hosts.map((host) => `--- ${host.name}\n${tail(join(host.directory, "log"), 40)}`).join("\n");
    await Promise.all(this.#hosts.map((host) => host[Symbol.asyncDispose]()));
    await this.#postgres?.[Symbol.asyncDispose]();
    if (!process.env.E2E_KEEP) await rm(this.directory, { recursive: true, force: true });
  }
}

export type DatabaseKind = "sqlite" | "postgres";

export interface LabServerOptions {
  /** PostgreSQL is a real one of the lab's own. */
  readonly database?: DatabaseKind;
  /** Under the name control.test, with a certificate that the lab's clients trust. */
  readonly https?: boolean;
  /** Laid over the lab's configuration, key by top-level key. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What a client has to know of its server. */
export type LoginServer = Pick<Server, "url"> & Partial<Pick<Server, "clientEnv">>;

export interface ClientExtras extends Pick<ClientOptions, "env" | "state"> {
  readonly host?: Host;
}
