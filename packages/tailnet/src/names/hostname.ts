/** Longest DNS label. Source: RFC 1035 §2.3.4. */
export const maxLabelLength = 63;
/** Longest domain name in text. Source: RFC 1035 §2.3.4. */
export const maxDomainLength = 255;

/** Suffixes that operating systems put behind their own name; they say nothing about the node. */
const localSuffixes = [".local", ".localdomain", ".lan"] as const;

/** What a node is called that reports no usable name. */
const fallbackLabel = "node";

/**
 * The DNS label for a reported host name: lower case, local suffixes removed, blanks, dots, underscores and `@` turned to
 * `-`, everything else that a label may not hold dropped, at most 63 characters. `Joe's Mac mini` → `joes-mac-mini`.
 * Source: tailscale util/dnsname/dnsname.go@de9ec7ee SanitizeHostname.
 */
export function labelOf(hostname: string): string {
  const suffix = localSuffixes.find((end) => hostname.endsWith(end)) ?? "";
  const label = hostname
    .slice(0, hostname.length - suffix.length)
    .slice(0, maxLabelLength)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/gi, "")
    .replace(/[ ._@]/g, "-")
    .replace(/[^a-z0-9-]/gi, "")
    .toLowerCase();
  return label === "" ? fallbackLabel : label;
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
