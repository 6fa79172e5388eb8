import { setTimeout as sleep } from "node:timers/promises";
import type { BenchDaemon } from "./daemon.ts";
import type { Fleet } from "./fleet.ts";

/** Between two changes, so that each finds the one before told and is told by itself. */
const apartMs = 300;

/** One kind of change, and which clients hear nothing of it themselves. */
export interface ChangeKind {
  readonly name: string;
  /** How often it is made; figures are per change. */
  readonly times: number;
  /** Makes the change for the n-th time; resolves once the server has acknowledged it. */
  make(n: number): Promise<unknown>;
  /** Clients that are not waited for. */
  except(n: number): readonly number[];
}

export interface ChangeCost {
  readonly cpuMs: number;
  /** From the request to the last client that was told, each time. */
  readonly wallMs: readonly number[];
  readonly bytes: number;
}

/** What each change costs the server, with everything that follows from it. */
export async function measure(daemon: BenchDaemon, fleet: Fleet, kind: ChangeKind): Promise<ChangeCost> {
  await fleet.quiet();
  const wallMs: number[] = [];
  const [cpuBefore, bytesBefore] = [daemon.cpuMs(), fleet.bytes];
  for (let n = 0; n < kind.times; n++) {
    await sleep(apartMs);
    const startedAt = performance.now();
    const told = fleet.round(kind.except(n));
    await kind.make(n);
    wallMs.push((await told) - startedAt);
  }
  await fleet.quiet();
  return {
    cpuMs: (daemon.cpuMs() - cpuBefore) / kind.times,
    wallMs,
    bytes: (fleet.bytes - bytesBefore) / kind.times / Math.max(1, fleet.openCount),
  };
}

/** Every kind of change, made to nodes with an open stream; the last `spares` clients have none and come online. */
export async function changeKinds(daemon: BenchDaemon, fleet: Fleet, spares: number): Promise<readonly ChangeKind[]> {
  const times = 5;
  const ids = new Map((await daemon.admin.nodes()).map((node) => [node.nodeKey, node.id]));
  const nodeIds = fleet.clients.slice(0, times).map(({ nodeKey }) => ids.get(nodeKey));
  const firstSpare = fleet.clients.length - spares;
  const client = (index: number) => fleet.clients[index] as Fleet["clients"][number];
  return [
    { ...endpointChange(fleet), times: 20 },
    {
      name: "node comes online",
      times: spares,
      make: (n) => fleet.openOne(firstSpare + n),
      except: () => [],
    },
    {
      name: "node joins",
      times,
      make: () => fleet.register(1, 1),
      except: () => [],
    },
    {
      name: "rename",
      times,
      make: (n) => daemon.admin.call("RenameNode", { nodeId: nodeIds[n], newName: `renamed-${n}` }),
      except: () => [],
    },
    {
      name: "node key rotation",
      times,
      make: (n) => {
        client(n).rotateNodeKey();
        return fleet.registerOne(client(n));
      },
      except: () => [],
    },
  ];
}

/** No endpoint is reported twice: the second time it would be no change. */
const ports = Array.from({ length: 60_000 }, (_, i) => 1024 + i).values();

/** A lite update with another endpoint. */
export function endpointChange(fleet: Fleet): ChangeKind {
  return {
    name: "endpoint",
    times: 50,
    make: async (n) => fleet.clients[n]?.liteUpdate({ endpoints: [`198.51.100.7:${ports.next().value}`] }),
    except: (n) => [n],
  };
}

/** Another policy file that gives one node an attribute; only that node hears of it. */
export async function measurePolicyWrite(daemon: BenchDaemon, fleet: Fleet): Promise<ChangeCost> {
  const { ipAddresses } = await daemon.admin.node("node-7");
  const write = (attribute: string) =>
    daemon.setPolicy({
      acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }],
      nodeAttrs: [{ target: [ipAddresses[0]], attr: [attribute] }],
    });
  await write("bench-0");
  await fleet.quiet();
  const others = [...fleet.clients.keys()].filter((index) => index !== 7);
  return measure(daemon, fleet, {
    name: "policy",
    times: 5,
    make: (n) => write(`bench-${n + 1}`),
    except: () => others,
  });
}
