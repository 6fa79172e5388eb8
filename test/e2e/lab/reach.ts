import type { Host } from "./host.ts";

/** How a host is tried from another: HTTP or UDP to a port where a mirror answers, or an echo request. */
export type Way = "icmp" | `${"tcp" | "udp"}:${number}`;

/** Whether an answer comes back. Give up after a second, unless told otherwise: what a policy drops is never refused. */
export async function reaches(from: Host, address: string, way: Way, giveUpS = 1): Promise<boolean> {
  const [protocol, port] = way.split(":");
  if (protocol === "icmp") return (await from.run(["ping", "-c1", `-W${giveUpS}`, address])).code === 0;
  if (protocol === "tcp") return (await mirrored(from, `${address}:${port}`, giveUpS)) !== "";
  // One byte: bash reads a byte at a time, and the rest of a datagram is gone after the first.
  const ask = `exec 3<>/dev/udp/${address}/${port} && echo >&3 && read -rN1 -t${giveUpS} <&3`;
  return (await from.run(["bash", "-c", ask])).code === 0;
}

/** The address that the mirror at `address[:port]` sees a host's HTTP come from; empty when there is no answer. */
export async function mirrored(from: Host, address: string, giveUpS = 1): Promise<string> {
  return (await from.run(["curl", "-s", "--max-time", String(giveUpS), `http://${address}/`])).stdout.trim();
}
