import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs the lab runs, by the Debian package that brings them. */
const programsByPackage = {
  iproute2: ["ip"],
  iptables: ["iptables", "ip6tables"],
  "util-linux": ["unshare", "nsenter", "mount"],
  procps: ["sysctl"],
  "iputils-ping": ["ping"],
  curl: ["curl"],
  openssl: ["openssl"],
  "openssh-client": ["ssh"],
  "bind9-dnsutils": ["dig"],
  nginx: ["nginx"],
  caddy: ["caddy"],
} as const;

/** Where Debian keeps programs for root, which a login shell's PATH may lack. */
export const programPath = [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter);

/** What this machine lacks to run the lab: one sentence each, saying how to mend it. Empty when nothing is missing. */
export function missingRequirements(): string[] {
  const missing: string[] = [];
  if (process.platform !== "linux") missing.push("The lab is made of Linux network namespaces: run it on Linux.");
  if (process.getuid?.() !== 0) missing.push("The lab makes network namespaces and TUN devices: run it as root.");
  if (!existsSync("/dev/net/tun")) missing.push("/dev/net/tun is missing: load the kernel module tun.");
  if (!hasProgram("go")) missing.push("Go 1.26 or newer builds the clients: install it from https://go.dev/dl/.");
  const packages = Object.entries(programsByPackage)
    .filter(([, programs]) => !programs.every(hasProgram))
    .map(([name]) => name);
  if (packages.length > 0) missing.push(`Programs are missing: apt-get install ${packages.join(" ")}`);
  return missing;
}

function hasProgram(name: string): boolean {
  return programPath.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
