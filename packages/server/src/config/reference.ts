import { allKeys } from "./all-keys.ts";
import { isRawMap, type Raw } from "./document.ts";
import { fixedLimits } from "./fixed-limits.ts";
import type { Key } from "./key.ts";
import { movedKeys } from "./old-keys.ts";

const heading = `# The configuration of headscale: every key with its default.
#
# Without a file everything below is in force as it stands, so a file needs only what differs. It is looked for as
# config.yaml, config.yml or config.json in /etc/headscale, ~/.headscale and the working folder, or named with --config
# or HEADSCALE_CONFIG. Relative paths start at the folder of the file. Every key can be set in the environment:
# dns.base_domain is HEADSCALE_DNS_BASE_DOMAIN; a list has white space between its entries, a map is written as JSON.
#
# "#key: value" is what a key comes to when nobody writes it, because that follows from other keys.
# "#key: value # example" has no default; it shows what a value looks like.
`;

const columns = 110;

/** The reference that lies at the root of the project as `config.example.yaml`, written from the keys that the parser knows. */
export function configReference(): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const [name, spec] of Object.entries<Key<unknown>>(allKeys)) {
    const sections = name.split(".").slice(0, -1);
    const shared = sharedLength(open, sections);
    const opened = sections.slice(shared).map((section, index) => `${indent(shared + index)}${section}:`);
    lines.push("", ...opened, ...entry(name, spec, indent(sections.length)));
    open = sections;
  }
  return `${heading}${lines.join("\n")}\n\n${fixedLimitsTable()}\n\n${oldNamesTable()}\n`;
}

function entry(name: string, spec: Key<unknown>, margin: string): string[] {
  const label = name.split(".").at(-1) ?? name;
  const comment = wrap(spec.says, columns - margin.length).map((line) => `${margin}# ${line}`);
  const shown = flow(spec.initial ?? spec.derived ?? spec.example ?? "");
  if (spec.initial !== undefined) return [...comment, `${margin}${label}: ${shown}`];
  return [...comment, `${margin}#${label}: ${shown}${spec.derived === undefined ? " # example" : ""}`];
}

function fixedLimitsTable(): string {
  const rows = fixedLimits.map(([what, bound]) => `#   ${what.padEnd(64)} ${bound}`);
  return ["# Limits that are no keys, because a protocol sets them or nothing comes near them:", "#", ...rows].join(
    "\n",
  );
}

function oldNamesTable(): string {
  const rows = Object.entries(movedKeys).map(([old, today]) => `#   ${old.padEnd(36)} ${today}`);
  return ["# Names of earlier versions that still work, and today's:", "#", ...rows].join("\n");
}

function flow(raw: Raw): string {
  if (isRawMap(raw))
    return `{${Object.entries(raw)
      .map(([name, value]) => ` ${name}: ${flow(value)}`)
      .join(",")}}`;
  if (typeof raw !== "string") return `[${raw.map(flow).join(", ")}]`;
  return /^(?:[a-zA-Z0-9./][\w./+-]*|https?:\/\/[\w./-]+)$/.test(raw) && !/^0\d/.test(raw) ? raw : JSON.stringify(raw);
}

function sharedLength(left: readonly string[], right: readonly string[]): number {
  const differs = right.findIndex((name, index) => left[index] !== name);
  return differs < 0 ? right.length : differs;
}

function indent(depth: number): string {
  return "  ".repeat(depth);
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
