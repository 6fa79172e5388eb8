import { Client, type ClientConfig } from "pg";
import type { StoreError } from "#store-error.ts";
import { postgresFailure } from "./failure.ts";

/** libpq's words. Source: PostgreSQL documentation, libpq-ssl, table "SSL Mode Descriptions". */
export type PostgresSslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

export interface PostgresAddress {
  /** Host name, address, or an absolute folder that holds the socket. */
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** `prefer` when absent. For the verifying modes, authorities come from Node (`NODE_EXTRA_CA_CERTS`). */
  readonly ssl?: PostgresSslMode;
  /** For making a connection; 10 s when absent. */
  readonly connectTimeoutMs?: number;
  /** Longer than any statement of ours takes, waiting for a lock included; 60 s when absent. */
  readonly queryTimeoutMs?: number;
  /** A daemon that vanished must not hold its locks for longer; 10 s when absent. */
  readonly idleInTransactionMs?: number;
}

type Ssl = NonNullable<ClientConfig["ssl"]>;
const unverified: Ssl = { rejectUnauthorized: false };
const candidates: Readonly<Record<PostgresSslMode, readonly Ssl[]>> = {
  disable: [false],
  allow: [false, unverified],
  prefer: [unverified, false],
  require: [unverified],
  "verify-ca": [{ rejectUnauthorized: true, checkServerIdentity: () => undefined }],
  "verify-full": [{ rejectUnauthorized: true }],
};

/** How to connect, with the question of TLS settled by one try. @throws {StoreError} "unavailable" */
export async function settleConnection(address: PostgresAddress): Promise<ClientConfig> {
  const { host, port = 5432, database, user, password, ssl = "prefer" } = address;
  const { connectTimeoutMs = 10_000, queryTimeoutMs = 60_000, idleInTransactionMs = 10_000 } = address;
  const settings: ClientConfig = {
    host,
    port,
    database,
    user,
    ...(password !== undefined && { password }),
    application_name: "headscale",
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
  };
  let failure: StoreError | undefined;
  for (const tls of host.startsWith("/") ? [false] : candidates[ssl]) {
    const config = { ...settings, ssl: tls };
    try {
      const client = await connect(config);
      await client.end();
      return config;
    } catch (error) {
      failure ??= postgresFailure(error);
    }
  }
  throw failure ?? new TypeError("no way to connect");
}

/** A connection that calls `lost` when it breaks or cannot be made; it never comes back by itself. @throws whatever the driver says */
export async function connect(config: ClientConfig, lost: (client: Client) => void = () => {}): Promise<Client> {
  const client = new Client(config);
  client.on("error", () => lost(client));
  client.on("end", () => lost(client));
  await client.connect();
  return client;
}
