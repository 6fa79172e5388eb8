/** Longest DNS label. Source: RFC 1035 §2.3.4. */
export const maxLabelLength = 63;
/**
 * Longest domain name in text, its final dot included: 255 octets on the wire, and the longest that clients read.
 * Source: RFC 1035 §2.3.4, tailscale util/dnsname/dnsname.go@de9ec7ee maxNameLength.
 */
export const maxDomainLength = 254;

/** Suffixes that operating systems put behind their own name; they say nothing about the node. Each is taken off once, in this order. */
const localSuffixes = [".local", ".localdomain", ".lan"] as const;

/** What a node is called that reports no usable name. */
const fallbackLabel = "node";

/**
 * The DNS label for a reported host name: lower case, local suffixes removed, blanks, dots, underscores and `@` turned to
 * `-`, everything else that a label may not hold dropped, of the first 63 bytes. `Joe's Mac mini` → `joes-mac-mini`.
 * Source: tailscale util/dnsname/dnsname.go@de9ec7ee SanitizeHostname.
 */
export function labelOf(hostname: string): string {
  const bare = localSuffixes.reduce(
    (name, suffix) => (name.endsWith(suffix) ? name.slice(0, -suffix.length) : name),
    hostname,
  );
  const label = firstBytes(bare, maxLabelLength)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/gi, "")
    .replace(/[ ._@]/g, "-")
    .replace(/[^a-z0-9-]/gi, "")
    .toLowerCase();
  return label === "" ? fallbackLabel : label;
}

/** The first bytes of the text's UTF-8, one character each: Go counts and drops bytes, not characters. */
function firstBytes(text: string, length: number): string {
  return String.fromCharCode(...new TextEncoder().encode(text.slice(0, length)).subarray(0, length));
}

/** Whether `text` is a label as administrators may choose it: lower-case letters, digits and inner hyphens. */
export function isLabel(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** `label`, or with `-1`, `-2` … behind it, whichever is the first that `taken` denies. */
export function uniqueLabel(label: string, taken: (label: string) => boolean): string {
  if (!taken(label)) return label;
  for (let n = 1; ; n++) {
    const suffix = `-${n}`;
    const candidate = label.slice(0, maxLabelLength - suffix.length).replace(/-+$/, "") + suffix;
    if (!taken(candidate)) return candidate;
  }
}
