import { join } from "node:path";
import { expect, test } from "vitest";
import { startAuthority } from "../lab/authority.ts";
import { wire } from "../lab/cabling.ts";
import { embeddedRelay } from "../lab/embedded-relay.ts";
import { Lab } from "../lab/lab.ts";
import { Server } from "../lab/server.ts";

const [serverNumber, authorityNumber] = [1, 3];
const name = "control.test";

test.for([
  { challenge: "HTTP-01", version: "new" },
  { challenge: "TLS-ALPN-01", version: "old" },
] as const)(
  "a server gets its certificate by $challenge, and a $version client joins that trusts its issuer alone",
  async (row) => {
    await using lab = await Lab.start();
    const address = wire.v4(serverNumber);
    const authority = await startAuthority(await lab.host("authority", authorityNumber), authorityNumber, address);
    const host = await lab.host("ctl", serverNumber);
    const server = await new Server(host, {
      address,
      https: { name, certificate: { authority: authority.root } },
      env: { NODE_EXTRA_CA_CERTS: authority.api },
      config: {
        ...embeddedRelay,
        tls_letsencrypt_hostname: name,
        tls_letsencrypt_challenge_type: row.challenge,
        tls_letsencrypt_cache_dir: join(host.directory, "acme"),
        tls_letsencrypt_listen: ":80",
        acme_url: authority.directory,
        acme_email: "admin@control.test",
      },
    }).start();
    const key = await server.admin.key(await server.admin.user("alice"));
    const client = await lab.client("n1", row.version, server);
    await client.join(key);
    await client.until("no warning", ({ Health }) => (Health ?? []).length === 0);
    expect(server.log).toContain("certificate obtained");

    // After a restart it comes out of the cache: nothing new is issued.
    await server.stop();
    await server.start();
    expect(server.log.match(/certificate obtained/g)).toHaveLength(1);
  },
);
