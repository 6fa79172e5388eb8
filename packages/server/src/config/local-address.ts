import { isIP } from "node:net";

/** One address of this machine, as `os.networkInterfaces()` tells. */
export interface LocalAddress {
  readonly interface: string;
  readonly address: string;
  readonly isLoopback: boolean;
}

/** RFC 1918. */
export function isPrivateIpv4(address: string): boolean {
  if (isIP(address) !== 4) return false;
  const [first = 0, second = 0] = address.split(".").map(Number);
  return first === 10 || (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168);
}

/** Bridges and tunnels made by software: other machines do not reach this one through them. */
const virtual = /^(?:docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|cni|flannel|cali|tailscale|wg|tun|tap|podman)/;

/** A private IPv4 address that other machines of the network most likely reach, `undefined` when there is none. */
export function reachableIpv4(local: readonly LocalAddress[]): string | undefined {
  const usable = local.filter((one) => !one.isLoopback && isPrivateIpv4(one.address));
  return (usable.find((one) => !virtual.test(one.interface)) ?? usable[0])?.address;
}
