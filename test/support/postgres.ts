import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";

/** Where one database is found: over TCP by `url`, or by `host`/`port` and, in a namespace without that TCP, by `socketDirectory`. */
export interface PostgresDatabase {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Holds `.s.PGSQL.<port>`; usable as a libpq `host`. */
  readonly socketDirectory: string;
  readonly user: string;
  readonly database: string;
}

/** A running PostgreSQL server of the test's own, with one empty database in it. */
export interface PostgresServer extends PostgresDatabase, AsyncDisposable {
  /** Creates another empty database. Its name must be a plain identifier. */
  createDatabase(name: string): Promise<PostgresDatabase>;
}

export interface PostgresOptions {
  /** Waits for the disk as a real one does; for benches. */
  readonly durable?: boolean;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const user = "headscale";
const host = "127.0.0.1";
const run = promisify(execFile);

/**
 * Starts a real PostgreSQL in a temporary directory, on loopback and a unix socket, without passwords.
 * It ends with the returned object, or with this process, however this process ends.
 *
 * @throws {Error} naming the Debian package when no PostgreSQL is installed.
 */
export async function startPostgres({ durable = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const bin = postgresBin();
  const account = unprivilegedAccount();
  const directory = mkdtempSync(join(tmpdir(), "pg-"));
  if (account) chownSync(directory, account.uid, account.gid);
  try {
    const data = join(directory, "data");
    await run(
      join(bin, "initdb"),
      ["-D", data, "-U", user, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"],
      { cwd: directory, ...account },
    );
    const { port, stop } = await startOnFreePort({ bin, directory, account, durable });
    const describe = (database: string): PostgresDatabase => ({
      url: `postgres://${user}@${host}:${port}/${database}`,
      host,
      port,
      socketDirectory: directory,
      user,
      database,
    });
    const createDatabase = async (name: string) => {
      const sql = postgres(describe("postgres").url, { max: 1, onnotice: () => {} });
      try {
        await sql`create database ${sql(name)}`;
      } finally {
        await sql.end();
      }
      return describe(name);
    };
    return {
      ...(await createDatabase("headscale")),
      createDatabase,
      async [Symbol.asyncDispose]() {
        await stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** @throws {Error} when neither PATH nor Debian's place has `initdb` and `postgres`. */
export function postgresBin(): string {
  const candidates = [...(process.env.PATH ?? "").split(delimiter), ...debianBins()];
  const found = candidates.find((dir) => isExecutable(join(dir, "initdb")) && isExecutable(join(dir, "postgres")));
  if (found === undefined) {
    throw new Error(
      "PostgreSQL's server programs (initdb, postgres) are neither in PATH nor in /usr/lib/postgresql: install the Debian package postgresql",
    );
  }
  return found;
}

/**
 * Whether tests on PostgreSQL are to run: a newcomer's machine may lack it (`test.skipIf(!postgresWanted())`);
 * in CI they always run, and its absence fails them.
 */
export function postgresWanted(): boolean {
  if (process.env.CI) return true;
  try {
    return postgresBin() !== "";
  } catch {
    return false;
  }
}

function debianBins(): string[] {
  const root = "/usr/lib/postgresql";
  try {
    const versions = readdirSync(root).sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a));
    return versions.map((version) => join(root, version, "bin"));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL refuses to run as root: then it runs as the account Debian made for it, or as nobody. */
function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error("PostgreSQL must not run as root, and /etc/passwd has neither postgres nor nobody to run it as");
}

interface Place {
  readonly bin: string;
  readonly directory: string;
  readonly account: Account | undefined;
  readonly durable: boolean;
}

/** A free port may be taken before PostgreSQL binds it, so a lost race is run again. */
async function startOnFreePort(place: Place) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { port, stop: await startServer(place, port) };
    } catch (error) {
      if (attempt === 5 || !String(error).includes("Address already in use")) throw error;
    }
  }
}

/** The shell holds the pipe: when this process is gone, `read` ends and PostgreSQL is shut down with it. */
const supervise = '"$@" & read -r _; kill -INT $! 2>/dev/null; wait $!';

async function startServer({ bin, directory, account, durable }: Place, port: number) {
  const settings = {
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: directory,
    max_connections: "200",
    ...(!durable && { fsync: "off", full_page_writes: "off" }),
  };
  const command = [join(bin, "postgres"), "-D", join(directory, "data")];
  for (const [name, value] of Object.entries(settings)) command.push("-c", `${name}=${value}`);
  const child = spawn("sh", ["-c", supervise, "sh", ...command], {
    cwd: directory,
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
    ...account,
  });
  await untilReady(child);
  return async () => {
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.stdin?.end();
    if (child.exitCode === null && child.signalCode === null) await exited;
  };
}

async function untilReady(child: ChildProcess): Promise<void> {
  let log = "";
  let ready = false;
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      // Read to the end all the same, or the pipe fills; a later FATAL concerns one client and not the server.
      if (ready) return;
      log = (log + text).slice(-4096);
      ready = log.includes("database system is ready to accept connections");
      if (ready) resolve();
      // The supervisor outlives a server that failed to start; closing its pipe ends it.
      if (log.includes("database system is shut down") || log.includes("FATAL:")) {
        child.stdin?.end();
        reject(new Error(`PostgreSQL did not start:\n${log}`));
      }
    });
    child.once("exit", () => reject(new Error(`PostgreSQL did not start:\n${log}`)));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, host);
  await new Promise((resolve, reject) => probe.once("listening", resolve).once("error", reject));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port to listen on");
  return address.port;
}
