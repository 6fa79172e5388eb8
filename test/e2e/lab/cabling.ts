import type { Host } from "./host.ts";
import { outputOf } from "./process.ts";

/** The lab's one wire. The switch itself has number 254 and forwards nothing, so nothing leaves the lab. */
export const wire = {
  v4: (number: number) => `10.77.0.${number}`,
  v6: (number: number) => `fd77::${number.toString(16)}`,
  switch: 254,
} as const;

export async function makeSwitch(host: Host): Promise<void> {
  await host.shell(`ip link add br0 type bridge
    ip addr add ${wire.v4(wire.switch)}/24 dev br0
    ip addr add ${wire.v6(wire.switch)}/64 dev br0 nodad
    ip link set br0 up`);
}

/** Gives a host an interface on the switch, with an IPv4 and an IPv6 address and the way out, which the switch closes. */
export async function plugIn(host: Host, into: Host, number: number, device = "eth0"): Promise<void> {
  const port = `p${number}`;
  await connect({ host, device }, { host: into, device: port });
  await into.shell(`ip link set ${port} master br0 up`);
  await host.shell(`ip addr add ${wire.v4(number)}/24 dev ${device}
    ip addr add ${wire.v6(number)}/64 dev ${device} nodad
    ip link set ${device} up
    ip route add default via ${wire.v4(wire.switch)}
    ip -6 route add default via ${wire.v6(wire.switch)}`);
}

/** A private network of two: a router, and one host behind it whose way out it is. */
export async function plugBehind(host: Host, router: Host, network: string, device: string): Promise<void> {
  await connect({ host, device: "eth0" }, { host: router, device });
  await router.shell(
    `ip addr add ${network}.1/24 dev ${device}; ip link set ${device} up; sysctl -qw net.ipv4.ip_forward=1`,
  );
  await host.shell(`ip addr add ${network}.10/24 dev eth0; ip link set eth0 up; ip route add default via ${network}.1`);
}

/**
 * Makes a router translate addresses. Without the drop on INPUT it would itself answer a peer's first packet, and its
 * connection tracking would then move its own client to another port: no direct path, ever.
 */
export async function translate(router: Host, { hard }: { hard: boolean }): Promise<void> {
  await router.shell(`iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE ${hard ? "--random-fully" : ""}
    iptables -A INPUT -i eth0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    iptables -A INPUT -i eth0 -j DROP
    iptables -P FORWARD DROP
    iptables -A FORWARD -i lan0 -o eth0 -j ACCEPT
    iptables -A FORWARD -i eth0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`);
}

async function connect(one: { host: Host; device: string }, other: { host: Host; device: string }): Promise<void> {
  const [near, far] = [String(one.host.pid), String(other.host.pid)];
  const peer = ["peer", "name", other.device, "netns", far] as const;
  await outputOf(["ip", "link", "add", one.device, "netns", near, "type", "veth", ...peer]);
}

/** Lets no UDP in or out of a host's wire, or lets it again. */
export async function setUdp(host: Host, allowed: "allowed" | "blocked"): Promise<void> {
  const change = allowed === "allowed" ? "-D" : "-I";
  await host.shell(`for program in iptables ip6tables; do
    $program ${change} OUTPUT -o eth0 -p udp -j DROP
    $program ${change} INPUT -i eth0 -p udp -j DROP
  done`);
}
