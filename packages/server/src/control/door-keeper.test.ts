import { MachineKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { DoorKeeper } from "./door-keeper.ts";
import type { ControlLimits } from "./limits.ts";

const machine = (n: number) => MachineKey.fromBytes(new Uint8Array(32).fill(n));
const at = (n: number, address = "192.0.2.1") => ({ machineKey: machine(n), version: 131, address });

function lab(over: Partial<ControlLimits> = {}) {
  const members = new Set<MachineKey>();
  const shutOut = new Set<string>();
  const unlimited = { burst: 1_000, perSecond: 1_000 };
  const limits = {
    handshakes: { burst: 2, perSecond: 0.001 },
    sessionsPerMachine: 2,
    strangers: { connections: 3, requests: unlimited, streams: 1, bodyBytes: 1 },
    ...over,
  } as ControlLimits;
  const keeper = new DoorKeeper({
    limits,
    isMember: (key) => members.has(key),
    addressGroup: (address) => address,
    isShutOut: ({ key }) => shutOut.has(key),
  });
  return { keeper, members, shutOut };
}

describe("DoorKeeper", () => {
  test("lets one address shake hands so often, and others go on", () => {
    const { keeper } = lab();
    expect([1, 2, 3].map(() => keeper.mayShakeHands("192.0.2.1"))).toEqual([true, true, false]);
    expect(keeper.mayShakeHands("192.0.2.2")).toBe(true);
  });

  test("lets one machine connect so often, and again when a connection has ended", () => {
    const { keeper } = lab();
    const leave = [keeper.enter(at(1)), keeper.enter(at(1))];
    expect(keeper.refusal(at(1))).toMatch(/this machine/);
    leave[0]?.();
    expect(keeper.refusal(at(1))).toBeUndefined();
  });

  test("counts the strangers of an address, not its members, nor who has become one since", () => {
    const { keeper, members } = lab();
    for (const n of [1, 2, 3]) keeper.enter(at(n));
    expect(keeper.refusal(at(4))).toMatch(/unregistered/);
    expect(keeper.refusal(at(4, "192.0.2.2"))).toBeUndefined();
    members.add(machine(4));
    expect(keeper.refusal(at(4))).toBeUndefined();
    members.add(machine(1));
    expect(keeper.refusal(at(5))).toBeUndefined();
  });

  test("refuses strangers at an address that was shut out, and no member there", () => {
    const { keeper, members, shutOut } = lab();
    shutOut.add("192.0.2.1");
    members.add(machine(1));
    expect(keeper.refusal(at(1))).toBeUndefined();
    expect(keeper.refusal(at(2))).toMatch(/offences/);
    shutOut.add(machine(1));
    expect(keeper.refusal(at(1))).toMatch(/offences/);
  });
});
