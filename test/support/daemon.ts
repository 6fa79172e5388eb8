import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Daemon, startDaemon } from "@headscale/server";
import { loadConfig } from "@headscale/server/config";
import { createTelemetry, type Telemetry } from "@headscale/server/telemetry";
import {
  type AdminClients,
  adminClients,
  socketTransport,
  type TransportOptions,
  tcpTransport,
} from "./admin-clients.ts";
import { ControlServer } from "./control/control-server.ts";
import { ControlClient, type ControlClientOptions } from "./control-client.ts";
import type { PostgresDatabase } from "./postgres.ts";

export interface TestDaemonOptions {
  /** SQLite in the daemon's folder when absent. */
  readonly database?: PostgresDatabase;
  /** Merged over the test's configuration, key by top-level key. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What is in force from the start; by database when absent. */
  readonly policyFile?: string;
}

/** How the daemon is spoken to once it runs. */
interface Place {
  readonly folder: string;
  readonly port: number;
  readonly socket: string;
  readonly metricsPort: number;
}

const host = "127.0.0.1";

/** The real daemon in this process: plain HTTP on a loopback port of its own, everything it writes in a temporary folder. */
export class TestDaemon implements AsyncDisposable {
  /** What clients know it by. */
  readonly url: string;
  readonly metricsUrl: string;
  readonly socket: string;
  readonly folder: string;
  /** By the unix socket: an administrator without a key. */
  readonly admin: AdminClients;
  readonly server: ControlServer;
  /** Warnings and errors that it logged. */
  readonly log: string[] = [];
  #options: TestDaemonOptions;
  readonly #place: Place;
  readonly #clients: ControlClient[] = [];
  #running: Running | undefined;

  private constructor(place: Place, options: TestDaemonOptions) {
    this.#place = place;
    this.#options = options;
    this.url = `http://${host}:${place.port}`;
    this.metricsUrl = `http://${host}:${place.metricsPort}`;
    this.socket = place.socket;
    this.folder = place.folder;
    this.admin = adminClients(socketTransport(place.socket));
    this.server = ControlServer.at(this.url);
  }

  static async start(options: TestDaemonOptions = {}): Promise<TestDaemon> {
    const folder = mkdtempSync(join(tmpdir(), "daemon-"));
    const [port, metricsPort] = await freePorts(2);
    const place = { folder, port: port ?? 0, metricsPort: metricsPort ?? 0, socket: join(folder, "s") };
    const daemon = new TestDaemon(place, options);
    try {
      await daemon.#run();
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get daemon(): Daemon {
    if (!this.#running) throw new Error("the daemon is not running");
    return this.#running.daemon;
  }

  /** Over TCP, with an API key that is made for it unless `headers` bring a credential or its absence. */
  async remote(options: TransportOptions = {}): Promise<AdminClients> {
    const headers = options.headers ?? { authorization: `Bearer ${await this.apiKey()}` };
    return adminClients(tcpTransport(this.url, { ...options, headers }));
  }

  async apiKey(): Promise<string> {
    return (await this.admin.headscale.createApiKey({})).apiKey;
  }

  /** A device, not yet registered; it is cut off when the daemon goes. */
  client(options: Omit<ControlClientOptions, "server"> = {}): ControlClient {
    const client = new ControlClient({ server: this.server, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Stops and starts again on what it wrote, with these keys of the configuration changed. */
  async restart(changed: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.stop();
    this.#options = { ...this.#options, config: { ...this.#options.config, ...changed } };
    await this.#run();
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  async #run(): Promise<void> {
    this.#running = await run(this.#place, this.#options, this.log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.drop()));
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Running {
  readonly daemon: Daemon;
  stop(): Promise<void>;
}

async function run(place: Place, options: TestDaemonOptions, log: string[]): Promise<Running> {
  const file = join(place.folder, "config.json");
  writeFileSync(file, JSON.stringify(configuration(place, options)));
  const { config } = loadConfig({ file, env: {}, workingFolder: place.folder });
  const telemetry = createTelemetry(keeping(log));
  const daemon = await startDaemon(config, telemetry);
  const stop = async () => {
    await daemon[Symbol.asyncDispose]();
    telemetry[Symbol.dispose]();
  };
  return { daemon, stop };
}

/** A logger that keeps warnings and errors, for tests that ask whether all was well. */
function keeping(log: string[]): Telemetry["log"] {
  const keep =
    (level: string) =>
    (message: string, fields: object = {}) => {
      log.push([level, message, ...Object.values(fields).map(String)].join(" "));
    };
  const ignore = () => undefined;
  const logger: Telemetry["log"] = {
    isEnabled: (level) => level === "warn" || level === "error",
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: keep("warn"),
    error: keep("error"),
    with: () => logger,
  };
  return logger;
}

const relay = { RegionID: 900, RegionCode: "test", RegionName: "Test", Nodes: [] };

function configuration({ folder, port, metricsPort, socket }: Place, options: TestDaemonOptions): object {
  writeFileSync(join(folder, "derp.json"), JSON.stringify({ Regions: { 900: relay } }));
  if (options.policyFile !== undefined) writeFileSync(join(folder, "policy.hujson"), options.policyFile);
  return {
    server_url: `http://${host}:${port}`,
    listen_addr: `${host}:${port}`,
    metrics_listen_addr: `${host}:${metricsPort}`,
    data_dir: folder,
    unix_socket: socket,
    derp: { server: { enabled: false }, paths: [join(folder, "derp.json")] },
    dns: { magic_dns: true, base_domain: "example.test" },
    ...(options.policyFile !== undefined && { policy: { mode: "file", path: join(folder, "policy.hujson") } }),
    ...(options.database && { database: { type: "postgres", postgres: postgresSection(options.database) } }),
    limits: { shutdown_timeout: "1s" },
    ...options.config,
  };
}

function postgresSection({ host: at, port, user, database }: PostgresDatabase): object {
  return { host: at, port, name: database, user };
}

/** Free until somebody takes them; held together, so that all are different. */
async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer().listen(0, host);
      await new Promise((resolve, reject) => probe.once("listening", resolve).once("error", reject));
      return probe;
    }),
  );
  const ports = probes.map((probe) => (probe.address() as { port: number }).port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
