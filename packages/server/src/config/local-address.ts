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

/** RFC 4193. */
function isUniqueLocalIpv6(address: string): boolean {
  return isIP(address) === 6 && /^f[cd]/i.test(address);
}

/** A private address that other machines of the network most likely reach; IPv6 where there is no IPv4. `undefined` without any. */
export function reachableAddress(local: readonly LocalAddress[]): string | undefined {
  const real = local.filter((one) => !one.isLoopback);
  const preferred = [...real.filter((one) => !virtual.test(one.interface)), ...real].map(({ address }) => address);
  const hasIpv4 = preferred.some((address) => isIP(address) === 4);
  return preferred.find(hasIpv4 ? isPrivateIpv4 : isUniqueLocalIpv6);
}
