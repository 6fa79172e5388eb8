import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { openToAll } from "#admission/node-verifier.ts";
import { connectDerp } from "#client/connect.ts";
import type { DerpMessage } from "#client/messages.ts";
import { MeshKey } from "#login/mesh-key.ts";
import { createRelay } from "#relay/relay.ts";
import { until } from "#testing/frames.ts";
import { privateKey } from "#testing/relay-fixture.ts";
import { MeshLink } from "./mesh-link.ts";

const meshKey = MeshKey.parse("5".repeat(64)) as MeshKey;

/** A relay of the region, on a port of its own. */
async function relayNumber(number: number, port = 0) {
  const key = privateKey(number);
  const relay = createRelay({ privateKey: key, verifier: openToAll, meshKey });
  const server = http.createServer();
  server.on("upgrade", (request, socket, head) => relay.accept(request, socket, head));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    await relay.close();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(stop);
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/derp`);
  const join = async (client: number) => {
    const messages: DerpMessage[] = [];
    const joined = await connectDerp(url, {
      privateKey: privateKey(client),
      onMessage: (message) => messages.push(message),
    });
    return Object.assign(joined, { messages });
  };
  const linkTo = (other: { url: URL }) => {
    const events: string[] = [];
    const link = new MeshLink({
      relay,
      privateKey: key,
      meshKey,
      url: other.url,
      retryMs: 5,
      onEvent: ({ kind }) => events.push(kind),
    });
    onTestFinished(() => link[Symbol.asyncDispose]());
    return Object.assign(link, { events });
  };
  return { relay, url, stop, join, linkTo, port: Number(url.port) };
}

describe("MeshLink", () => {
  test("carries packets between clients of two relays, both ways, and tells when one leaves", async () => {
    const [a, b] = [await relayNumber(1), await relayNumber(2)];
    const left = await a.join(10);
    const right = await b.join(11);
    const links = [a.linkTo(b), b.linkTo(a)];
    await until(() => links.every((link) => link.presentKeys === 1)); // the client; their own ends do not count
    left.send(right.publicKey, Buffer.from("over"));
    await until(() => right.messages.length === 1);
    right.send(left.publicKey, Buffer.from("and back"));
    await until(() => left.messages.length === 1);
    expect(right.messages).toEqual([{ kind: "packet", source: left.publicKey, packet: Buffer.from("over") }]);
    expect(left.messages).toEqual([{ kind: "packet", source: right.publicKey, packet: Buffer.from("and back") }]);
    right.close();
    await until(() => left.messages.length === 2);
    expect(left.messages[1]).toEqual({ kind: "peer-gone", peer: right.publicKey, reason: 0 });
  });

  test("forgets what it knew when the other relay goes, and comes back with it", async () => {
    const a = await relayNumber(1);
    const b = await relayNumber(2);
    const right = await b.join(11);
    const link = a.linkTo(b);
    await until(() => link.presentKeys > 0 && a.relay.stats().remoteKeys > 0);
    await b.stop();
    await until(() => link.presentKeys === 0);
    expect(a.relay.stats().remoteKeys).toBe(0);
    const again = await relayNumber(2, b.port);
    await again.join(12);
    await until(() => a.relay.stats().remoteKeys > 0 && link.presentKeys >= 1);
    expect(link.events.filter((event) => event === "up")).toHaveLength(2);
    right.close();
  });

  test("ends when it finds that it leads to its own relay", async () => {
    const a = await relayNumber(1);
    const link = a.linkTo(a);
    await until(() => link.events.length > 0);
    await until(() => a.relay.stats().connections === 0);
    expect(link.events).toEqual(["self"]);
  });

  test("keeps trying while nobody answers, until it is ended", async () => {
    const a = await relayNumber(1);
    const nowhere = await relayNumber(2);
    await nowhere.stop();
    const link = a.linkTo(nowhere);
    await until(() => link.events.length >= 3);
    await link[Symbol.asyncDispose]();
    const { length } = link.events;
    expect(new Set(link.events)).toEqual(new Set(["down"]));
    await until(() => link.events.length === length);
  });
});
