import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import type { Node } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import { Arrivals } from "./arrivals.ts";

const keys = (machine: number, node: number) => ({
  machineKey: MachineKey.fromBytes(new Uint8Array(32).fill(machine)),
  nodeKey: NodeKey.fromBytes(new Uint8Array(32).fill(node)),
});
const arrival = (machine: number, node: number, OS: string) => ({
  ...keys(machine, node),
  hostinfo: { OS, Hostname: "host" },
  capVersion: 130,
});
const node = (machine: number, key: number) => keys(machine, key) as Node;

describe("Arrivals", () => {
  test("know a node by what its machine said, as long as it is expected", () => {
    const arrivals = new Arrivals();
    const expected = arrivals.expect(arrival(1, 2, "linux"));
    expect(arrivals.of(node(1, 2))).toMatchObject({ hostinfo: { OS: "linux" }, capVersion: 130, online: false });
    expected[Symbol.dispose]();
    expect(arrivals.of(node(1, 2))).toBeUndefined();
  });

  test("believe no machine about the node of another", () => {
    const arrivals = new Arrivals();
    using _ = arrivals.expect(arrival(1, 2, "linux"));
    expect(arrivals.of(node(3, 2))).toBeUndefined();
    expect(arrivals.of(node(1, 3))).toBeUndefined();
  });

  test("keep the newest of two registrations of one machine until that one is done", () => {
    const arrivals = new Arrivals();
    const first = arrivals.expect(arrival(1, 2, "linux"));
    using _ = arrivals.expect(arrival(1, 2, "macOS"));
    first[Symbol.dispose]();
    expect(arrivals.of(node(1, 2))?.hostinfo.OS).toBe("macOS");
  });
});
