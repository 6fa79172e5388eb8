import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ClientVersion, clientBin } from "../clients/build.ts";
import { programPath } from "../requirements.ts";
import { type Daemon, type Host, tail } from "./host.ts";
import { askClient, type PeerStatus, type Status, watchBus } from "./local-api.ts";
import { type Outcome, run, succeeded } from "./process.ts";
import { until } from "./until.ts";

export interface ClientOptions {
  readonly version: ClientVersion;
  readonly loginServer: string;
  /** Added to the daemon's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** `mem:` makes the node ask to be ephemeral. Otherwise the state is kept on disk. */
  readonly state?: "mem:";
}

export interface UpOptions {
  readonly key?: string;
  readonly flags?: readonly string[];
  /** How long `tailscale up` itself waits. */
  readonly timeoutS?: number;
}

/** A login that waits for somebody to approve it. */
export interface WebLogin {
  readonly url: string;
  /** `tailscale up`, which ends when the login is approved. */
  readonly up: Promise<Outcome>;
}

/** How long a change may take from the server to a client that is connected. */
const changeWithinMs = 10_000;
const keptNotifications = 12;

/** An unmodified tailscaled on a host, with its CLI. */
export class Client {
  readonly host: Host;
  readonly options: ClientOptions;
  /** Where its daemon is spoken to. */
  readonly socket: string;
  readonly #state: string;
  #daemon: Daemon | undefined;
  #stopWatching: (() => void) | undefined;
  #notifications: string[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(host: Host, options: ClientOptions) {
    this.host = host;
    this.options = options;
    this.#state = join(host.directory, "ts");
    this.socket = join(this.#state, "sock");
    mkdirSync(this.#state, { recursive: true });
  }

  get name(): string {
    return this.host.name;
  }

  /** Starts tailscaled and waits for its socket. */
  async start(): Promise<this> {
    const { version, env, state } = this.options;
    const args = ["--no-logs-no-support", `--statedir=${this.#state}`, `--socket=${this.socket}`];
    if (state) args.push(`--state=${state}`);
    args.push("--tun=tailscale0", "--port=41641");
    this.#daemon = await this.host.daemon([join(clientBin(version), "tailscaled"), ...args], "log", {
      PATH: programPath,
      HOME: this.host.directory,
      TS_LOGS_DIR: this.host.directory,
      TS_PANIC_IF_HIT_MAIN_CONTROL: "1",
      TS_DISABLE_PORTMAPPER: "1",
      TS_DEBUG_USE_DERP_HTTP: "1",
      ...env,
    });
    await this.until("its socket to answer", (status) => status.BackendState !== "NoState");
    this.#stopWatching = watchBus(this.socket, (line) => this.#heard(line));
    return this;
  }

  #heard(line: string): void {
    this.#notifications = [...this.#notifications.slice(1 - keptNotifications), line.slice(0, 300)];
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** Ends tailscaled, by default in good order. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#stopWatching?.();
    this.#daemon?.signal(signal);
    await this.#daemon?.exited();
  }

  /** Runs the client's CLI outside the host: it speaks to the daemon's socket alone. */
  cli(...args: readonly string[]): Promise<Outcome> {
    return this.cliHeard(() => {}, ...args);
  }

  /** The CLI, heard while it runs: `heard` gets everything that it has printed so far. */
  cliHeard(heard: (soFar: string) => void, ...args: readonly string[]): Promise<Outcome> {
    const program = join(clientBin(this.options.version), "tailscale");
    return run([program, `--socket=${this.socket}`, ...args], {
      // `tailscale ssh` keeps its known hosts under HOME.
      env: { ...process.env, HOME: this.host.directory },
      onOutput: heard,
    });
  }

  /** Standard output of a CLI command that has to succeed. */
  async tailscale(...args: readonly string[]): Promise<string> {
    return succeeded(await this.cli(...args)).stdout;
  }

  #upCommand({ key, flags = [], timeoutS = 30 }: UpOptions): readonly string[] {
    const command = ["up", `--login-server=${this.options.loginServer}`, `--hostname=${this.name}`];
    if (key !== undefined) command.push(`--auth-key=${key}`);
    return [...command, `--timeout=${timeoutS}s`, "--reset", ...flags];
  }

  up(options: UpOptions = {}): Promise<Outcome> {
    return this.cli(...this.#upCommand(options));
  }

  /** Logs in with a key, which has to succeed. */
  async join(key: string, ...flags: readonly string[]): Promise<void> {
    succeeded(await this.up({ key, flags }));
    await this.until("state Running", (status) => status.BackendState === "Running");
  }

  /** `tailscale up` without a key, as far as the URL that it prints. */
  async webLogin(options: UpOptions = {}): Promise<WebLogin> {
    const program = join(clientBin(this.options.version), "tailscale");
    const printed = Promise.withResolvers<string>();
    const up = run([program, `--socket=${this.socket}`, ...this.#upCommand(options)], {
      onOutput: (soFar) => {
        const url = /^\s*(https?:\/\/\S+)\s/m.exec(soFar)?.[1];
        if (url) printed.resolve(url);
      },
    });
    const endedFirst = up.then((outcome) => {
      throw new Error(`tailscale up ended without a URL:\n${outcome.stdout}${outcome.stderr}\n${this.evidence()}`);
    });
    return { url: await Promise.race([printed.promise, endedFirst]), up };
  }

  async status(): Promise<Status> {
    return JSON.parse(await askClient(this.socket, "status"));
  }

  /** Waits for the client to be in a state, looking at every notification. Prints what happened instead when it fails. */
  async until<T = true>(
    what: string,
    probe: (status: Status) => T | undefined | false | "",
    withinMs = changeWithinMs,
  ): Promise<T> {
    return until({
      what: `${this.name} (${this.options.version}): ${what}`,
      withinMs,
      probe: async () => probe(await this.status()),
      wake: () => this.#wake.promise,
      evidence: () => this.evidence(),
    });
  }

  /** The peer of that host name, as soon as the client knows it and it is online. */
  peer(name: string, withinMs = changeWithinMs): Promise<PeerStatus> {
    return this.until(
      `peer ${name} online`,
      (status) => {
        const found = peersOf(status).find((peer) => shortName(peer) === name);
        return found?.Online && found;
      },
      withinMs,
    );
  }

  /** The client's own address of a family. */
  async address(family: 4 | 6 = 4): Promise<string> {
    const found = (await this.status()).TailscaleIPs?.find((ip) => ip.includes(":") === (family === 6));
    if (found === undefined) throw new Error(`${this.name} has no IPv${family} address\n${this.evidence()}`);
    return found;
  }

  /** Pings a peer until it answers by the wanted path. */
  async ping(peer: string, { via }: { via: "direct" | "relay" }): Promise<string> {
    const untilDirect = `--until-direct=${via === "direct"}`;
    const count = via === "direct" ? "20" : "3";
    const { stdout, stderr } = await this.cli("ping", "-c", count, "--timeout=1s", untilDirect, peer);
    const pongs = stdout.split("\n").filter((line) => line.startsWith("pong"));
    const last = pongs.at(-1) ?? "";
    if (last.includes("via DERP(") !== (via === "relay") || last === "") {
      throw new Error(`${this.name} got no ${via} pong from ${peer}:\n${stdout}${stderr}\n${this.evidence()}`);
    }
    return last;
  }

  /** The client's counters by name. */
  async metrics(): Promise<Map<string, number>> {
    const lines = (await this.tailscale("debug", "metrics")).split("\n");
    return new Map(
      lines
        .map((line) => line.split(" "))
        .filter(([name, value]) => name && !name.startsWith("#") && value !== undefined)
        .map(([name = "", value]) => [name, Number(value)]),
    );
  }

  /** What the client last announced and logged. */
  evidence(): string {
    const log = this.#daemon ? tail(this.#daemon.log) : "(never started)";
    return [`--- ${this.name}: last notifications`, ...this.#notifications, `--- ${this.name}: log`, log].join("\n");
  }
}

export function peersOf(status: Status): PeerStatus[] {
  return Object.values(status.Peer ?? {});
}

/** The first label of a peer's MagicDNS name: the name the server gave it. */
export function shortName(peer: PeerStatus): string {
  return peer.DNSName.split(".")[0] || peer.HostName;
}
