import { join } from "node:path";
import { expect, test } from "vitest";
import { Browser } from "../support/browser.ts";
import { TestDaemon } from "../support/daemon.ts";
import { IdentityProvider } from "../support/identity-provider.ts";
import { postgresWanted, startPostgres } from "../support/postgres.ts";

test.skipIf(!postgresWanted())(
  "a login that is begun at one daemon is finished at another on the same database, with the same server key",
  async () => {
    await using postgres = await startPostgres();
    const database = await postgres.createDatabase("sign_in");
    await using provider = await IdentityProvider.start();
    const oidc = provider.settings({ pkce: { enabled: true } });
    await using first = await TestDaemon.start({ database, config: { oidc } });
    const shared = { noise: { private_key_path: join(first.folder, "noise_private.key") }, server_url: first.url };
    await using second = await TestDaemon.start({ database, config: { ...shared, oidc } });

    const device = second.client({ hostinfo: { Hostname: "laptop" } });
    const { AuthURL: url = "" } = await device.register();
    const followed = device.register({ followup: url });
    const browser = new Browser();
    // The provider sends everybody back to the address that both are known by: the first daemon's.
    const asked = await browser.visit(url.replace(first.url, second.url));
    expect(asked.url).toContain(first.url);
    const answered = await browser.press({ ...asked, url: second.url }, { verdict: "accept" });
    expect(answered.status).toBe(200);
    expect((await followed).MachineAuthorized).toBe(true);
  },
);
