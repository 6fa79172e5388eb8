import { type Key, key, type Reading, type Values } from "../key.ts";
import { byteSizeBetween } from "../kind/byte-size.ts";
import { durationBetween } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";
import { apiLimitKeys } from "./limits-api.ts";
import { clientLimitKeys } from "./limits-client.ts";
import { httpLimitKeys } from "./limits-http.ts";
import { relayLimitKeys } from "./limits-relay.ts";

const count = integer(1, 10_000_000);
const wait = durationBetween("10ms", "1h");

const ownKeys = {
  "limits.connections": key(count, "65536", "Connections at the same time, on each address that is listened on."),
  "limits.connections_per_address": key(
    count,
    "4096",
    "The same from one address (IPv6: one /64 network). trusted_proxies and proxy_protocol sources may have any number.",
  ),
  "limits.silent_connections": key(
    count,
    "4096",
    "Connections that have not said anything yet; one more makes the oldest go.",
  ),
  "limits.handshake_timeout": key(
    wait,
    "10s",
    "For the first bytes with the PROXY header, and for the TLS handshake, each.",
  ),
  "limits.refusal_timeout": key(wait, "1s", "How long a refused connection may take to read why."),
  "limits.tunnel_keep_alive": key(
    durationBetween("1s", "1h"),
    "30s",
    "TCP keep-alive of Noise connections; proxies and NATs forget what is silent for a minute.",
  ),
  "limits.shutdown_timeout": key(wait, "3s", "For requests in flight when the server is told to stop."),
  "limits.shutdown_tunnel_timeout": key(wait, "500ms", "How much of that clients get to take their leave."),
  "limits.file_size": key(
    byteSizeBetween("1KiB", "1GiB"),
    "4MiB",
    "A file that configures something: policy, relay map, DNS records, certificate, key.",
  ),
  "limits.extra_records": key(count, "10000", "Records in dns.extra_records_path; every client gets all of them."),
  "limits.fetch_timeout": key(wait, "30s", "For fetching a relay map or talking to an identity provider."),
  "limits.fetch_size": key(byteSizeBetween("1KiB", "1GiB"), "4MiB", "Answer of such a request."),
  "limits.sign_ins": key(count, "64", "Logins that are checked with the identity provider at the same time."),
  "limits.waiting_changes": key(
    count,
    "10000",
    "Changes that wait to be written; whoever brings one more is told to come back.",
  ),
  "limits.acme.request_timeout": key(wait, "30s", "For an answer of the certificate authority."),
  "limits.acme.answer_size": key(byteSizeBetween("1KiB", "16MiB"), "256KiB", "Such an answer; a chain has about 6KiB."),
  "limits.acme.order_timeout": key(
    durationBetween("1s", "1h"),
    "10m",
    "From ordering a certificate to holding it. Another daemon on the same database waits so long before it orders itself.",
  ),
} satisfies Record<string, Key<unknown>>;

export const limitKeys = { ...ownKeys, ...httpLimitKeys, ...clientLimitKeys, ...apiLimitKeys, ...relayLimitKeys };

type Named<K> = { readonly [Name in keyof K as Name extends `limits.${infer Rest}` ? Rest : never]: K[Name] };

/**
 * Every count, size and time that keeps one client from hurting the others, by the name the operator knows without its
 * `limits.`. Bytes and milliseconds. `assembly/limits.ts` turns them into what each part of the server wants.
 */
export type LimitsConfig = Named<Values<typeof limitKeys>>;

export function limitsSection({ value, remarks }: Reading<typeof limitKeys>): LimitsConfig {
  if (value["limits.connections_per_address"] > value["limits.connections"]) {
    remarks.note(
      "limits.connections_per_address",
      "is more than limits.connections, so that one address may take them all",
    );
  }
  const named = Object.keys(limitKeys).map((name) => [name.slice("limits.".length), value[name as keyof typeof value]]);
  return Object.fromEntries(named) as LimitsConfig;
}
