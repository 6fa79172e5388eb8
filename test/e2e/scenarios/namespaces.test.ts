import { expect, test } from "vitest";
import { peersOf } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";

test("clients of two namespaces neither see nor reach each other, even with the same names", async () => {
  await using lab = await Lab.start();
  const { admin, url } = await lab.server();
  expect(await admin.cli("namespace", "create", "red")).toMatchObject({ code: 0 });
  expect(await admin.cli("namespace", "create", "blue")).toMatchObject({ code: 0 });
  const [red, blue] = [admin.in("red"), admin.in("blue")];
  const redKey = await red.key(await red.user("alice"), "--reusable");
  const blueKey = await blue.key(await blue.user("alice"), "--reusable");

  const clients = await Promise.all(
    ["r1", "r2", "b1", "b2"].map((name) => lab.client(name, name.endsWith("1") ? "new" : "old", { url })),
  );
  await Promise.all(clients.map((client) => client.join(client.name.startsWith("r") ? redKey : blueKey)));
  for (const client of clients) {
    const sibling = client.name.replace(/[12]/, (digit) => (digit === "1" ? "2" : "1"));
    const { ID } = await client.peer(sibling);
    expect(peersOf(await client.status()).map((peer) => peer.ID)).toEqual([ID]);
    await client.ping(sibling, { via: "direct" });
  }

  const [r1, , b1] = clients;
  const { stdout, stderr, code } =
    (await r1?.cli("ping", "-c", "1", "--timeout=1s", (await b1?.address()) ?? "")) ?? {};
  expect(code, `${stdout}${stderr}`).toBe(1);
  expect(await r1?.host.run(["ping", "-c", "2", "-W", "1", (await b1?.address()) ?? ""])).toMatchObject({ code: 1 });
  // Not a word of the other namespace reaches a client.
  expect(await r1?.tailscale("debug", "netmap")).not.toMatch(/"b[12]\b|b[12]\.example\.test/);
  expect((await red.nodes()).map(({ name }) => name).sort()).toEqual(["r1", "r2"]);
  expect((await blue.nodes()).map(({ name }) => name).sort()).toEqual(["b1", "b2"]);
  const addresses = await Promise.all(clients.map((client) => client.address()));
  expect(new Set(addresses).size).toBe(4);
});
