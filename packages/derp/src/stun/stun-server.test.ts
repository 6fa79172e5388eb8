import dgram from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { ipBytes } from "#address/ip-bytes.ts";
import { until } from "#testing/frames.ts";
import { bindingRequest } from "./binding-request.fixture.ts";
import { bindingResponse } from "./message.ts";
import { createStunServer } from "./stun-server.ts";

const TRANSACTION = Buffer.from("abcdefghijkl");
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

async function client(address: "127.0.0.1" | "::1") {
  const socket = dgram.createSocket(address === "::1" ? "udp6" : "udp4");
  const bound = once(socket, "listening");
  socket.bind(0, address);
  await bound;
  onTestFinished(() => void socket.close());
  const ask = async (port: number, datagram: Buffer) => {
    const answer = once(socket, "message");
    socket.send(datagram, port, address);
    return (await answer)[0] as Buffer;
  };
  return { socket, ask, port: (socket.address() as AddressInfo).port };
}

async function server(address?: string) {
  const started = await createStunServer({ port: 0, ...(address && { address }) });
  onTestFinished(() => started.close());
  return started;
}

describe("createStunServer", () => {
  test.for([
    { address: "127.0.0.1", listen: "127.0.0.1" },
    { address: "127.0.0.1", listen: undefined },
    { address: "::1", listen: "::1" },
    { address: "::1", listen: undefined },
  ] as const)("tells a client at $address where it is, listening at $listen", async ({ address, listen }, { skip }) => {
    skip(address === "::1" && !hasIPv6, "no IPv6 on this host");
    const stun = await server(listen);
    const port = stun.addresses.find(({ family }) => (family === "IPv6") === (address === "::1"))?.port ?? 0;
    const { ask, port: own } = await client(address);
    const expected = bindingResponse(TRANSACTION, ipBytes(address) as Buffer, own);
    expect(await ask(port, bindingRequest(TRANSACTION))).toEqual(expected);
    await until(() => stun.stats().answeredIPv4 + stun.stats().answeredIPv6 === 1);
  });

  test("is silent about everything else, counts it, and goes on", async () => {
    const stun = await server("127.0.0.1");
    const { socket, ask } = await client("127.0.0.1");
    const port = stun.addresses[0]?.port ?? 0;
    for (const noise of ["", "hello", "x".repeat(1_400)]) socket.send(noise, port, "127.0.0.1");
    await until(() => stun.stats().ignored === 3);
    expect((await ask(port, bindingRequest(TRANSACTION))).length).toBe(32);
    expect(stun.stats()).toMatchObject({ ignored: 3, writeErrors: 0, readErrors: 0 });
  });

  test("survives that a client is gone when the answer comes", async () => {
    const stun = await server("127.0.0.1");
    const port = stun.addresses[0]?.port ?? 0;
    const gone = await client("127.0.0.1");
    for (let i = 0; i < 20; i++) gone.socket.send(bindingRequest(TRANSACTION), port, "127.0.0.1");
    await until(() => stun.stats().answeredIPv4 > 0);
    const { ask } = await client("127.0.0.1");
    expect((await ask(port, bindingRequest(TRANSACTION))).length).toBe(32);
  });

  test("says that a port is taken", async () => {
    const stun = await server("127.0.0.1");
    const again = createStunServer({ address: "127.0.0.1", port: stun.addresses[0]?.port ?? 0 });
    await expect(again).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
