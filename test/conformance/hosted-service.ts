import type { PolicyCase } from "./policy-case.ts";

/** Capabilities that the hosted service adds to records of its own accord. A policy that grants one must still show it. */
export const hostedCapabilities: ReadonlySet<string> = new Set([
  "https://tailscale.com/cap/file-sharing", // Taildrop, a setting of that tailnet
  "https://tailscale.com/cap/ssh", // Tailscale SSH, part of its plan
  "https://tailscale.com/cap/tailnet-lock", // offered to all its customers
  "https://tailscale.com/cap/is-owner", // also on tagged nodes there, whose keys its owner made
  "tailnet-display-name", // a setting
  "default-auto-update", // a setting, and only in newer captures
  "probe-udp-lifetime", // rollout of client features
  "ssh-behavior-v1",
  "ssh-env-vars",
  "store-appc-routes",
]);

/** Base URL that the captures have in SSH check rules. */
export const capturedServerUrl = "https://unused";

/** The captures were anonymised in policies and topologies, but not in messages: text in a message → what it became elsewhere. */
const anonymised: Readonly<Record<string, string>> = { PASSKEY: "EXAMPLE.COM" };

/** The message as it would read had it been anonymised with the rest. */
export function anonymisedMessage(message: string): string {
  return Object.entries(anonymised).reduce((text, [before, after]) => text.replaceAll(before, after), message);
}

/**
 * In captures whose nodes were numbered anew in sequence, IPv4 literals of the policy followed the nodes, but IPv6
 * literals did not: they are of the time before, when no node had them, and now name whoever got that number.
 * Gives such literals an address that is nobody's, as they had then.
 */
export function withForeignLiterals({ policy, topology }: PolicyCase): string {
  const text = JSON.stringify(policy);
  const nodes = Object.values(topology.nodes);
  const inSequence = nodes.every(
    ({ ipv4, ipv6 }) => ipv4?.startsWith("100.64.0.") && /^fd7a:115c:a1e0::[0-9a-f]{1,2}$/.test(ipv6 ?? ""),
  );
  if (!inSequence) return text;
  const taken = nodes.map(({ ipv6 }) => ipv6).filter((addr) => addr !== undefined);
  return taken.reduce(
    (rest, addr) => rest.replaceAll(new RegExp(`${addr}(?![0-9a-f:])`, "g"), addr.replace("::", ":ffff:ffff::")),
    text,
  );
}
