import { type Kind, scalar } from "./kind.ts";

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kib: 1024,
  mib: 1_048_576,
  gib: 1_073_741_824,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
};

function parseByteSize(written: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,12})\s*([a-z]*)$/i.exec(written) ?? [];
  const factor = unitBytes[unit.toLowerCase()];
  const bytes = digits === "" || factor === undefined ? Number.NaN : Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A number of bytes within bounds, themselves written like one: `4096`, `16KiB`, `1MiB`. */
export function byteSizeBetween(least: string, most: string): Kind<number> {
  const [leastBytes, mostBytes] = [parseByteSize(least) ?? 1, parseByteSize(most) ?? 1];
  return scalar(`a size from ${least} to ${most}, such as 4096, 16KiB or 1MiB`, (written) => {
    const bytes = parseByteSize(written);
    return bytes !== undefined && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
  });
}
