import { expect, test } from "vitest";
import type { Admin } from "../lab/admin.ts";
import type { Client } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { databases } from "../lab/version-pairs.ts";

const settled = ["s1", "s2"] as const;
const joining = ["j1", "j2", "j3", "j4", "j5", "j6"] as const;

test.for(databases)(
  "on $database a server killed during registrations comes back with everything it had acknowledged, and so do its clients",
  {
    timeout: 180_000,
  },
  async ({ database }) => {
    await using lab = await Lab.start();
    const server = await lab.server({ database });
    const { admin } = server;
    const key = await admin.key(await admin.user("alice"), "--reusable");
    const clients = await Promise.all(
      [...settled, ...joining].map((name, index) => lab.client(name, index % 2 ? "old" : "new", server)),
    );
    const [first, second] = clients.slice(0, settled.length);
    const late = clients.slice(settled.length);
    if (!first || !second) throw new Error("two clients were started");
    await Promise.all([first.join(key), second.join(key)]);
    await first.peer("s2");
    await first.ping(await second.address(), { via: "direct" });

    // Registrations are under way, the administrator creates users and keys, and the server dies in the middle of it.
    const acknowledged = { users: new Set<string>(), keys: new Set<string>() };
    const burst = Array.from({ length: 4 }, (_, line) => createUntilDeath(admin, `line${line}`, acknowledged));
    const ups = late.map((client) => client.up({ key, timeoutS: 60 }));
    await Promise.race(ups);
    const known = await addressesOf(clients);
    await server.kill9();
    await Promise.all(burst);
    expect(acknowledged.users.size).toBeGreaterThan(0);

    await first.ping(await second.address(), { via: "direct" });
    await server.start();
    for (const outcome of await Promise.all(ups)) expect(outcome.code, outcome.stderr).toBe(0);
    for (const client of clients) {
      await client.until("to be back", ({ BackendState, Self }) => BackendState === "Running" && Self.Online, 30_000);
    }

    const { users } = await admin.call<{ users: { name: string }[] }>("ListUsers");
    expect([...acknowledged.users].filter((name) => !users.some((user) => user.name === name))).toEqual([]);
    const { preAuthKeys } = await admin.call<{ preAuthKeys: { id: string }[] }>("ListPreAuthKeys");
    expect([...acknowledged.keys].filter((id) => !preAuthKeys.some((entry) => entry.id === id))).toEqual([]);

    const after = await addressesOf(clients);
    for (const [name, address] of known) expect([name, after.get(name)]).toEqual([name, address]);
    expect(new Set(after.values()).size).toBe(clients.length);
    const listed = await admin.nodes();
    expect(new Map(listed.map(({ givenName, ipAddresses }) => [givenName, ipAddresses[0]]))).toEqual(after);
    await first.peer("j6");
  },
);

/** Creates users, each with a key, until the server does not answer any more. Only what it confirmed is noted. */
async function createUntilDeath(admin: Admin, prefix: string, noted: { users: Set<string>; keys: Set<string> }) {
  try {
    for (let count = 0; ; count++) {
      const name = `${prefix}-${count}`;
      const { user } = await admin.call<{ user: { id: string } }>("CreateUser", { name });
      noted.users.add(name);
      const { preAuthKey } = await admin.call<{ preAuthKey: { id: string } }>("CreatePreAuthKey", { user: user.id });
      noted.keys.add(preAuthKey.id);
    }
  } catch {
    // The server is gone, which is what ends this.
  }
}

/** The IPv4 address of every client that has one. */
async function addressesOf(clients: readonly Client[]): Promise<Map<string, string>> {
  const statuses = await Promise.all(clients.map(async (client) => [client.name, await client.status()] as const));
  return new Map(
    statuses.flatMap(([name, { TailscaleIPs }]) => {
      const address = TailscaleIPs?.find((ip) => ip.includes("."));
      return address === undefined ? [] : [[name, address] as const];
    }),
  );
}
