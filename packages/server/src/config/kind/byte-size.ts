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

/** A number of bytes: `4096`, `16KiB`, `1MiB`. */
export const byteSize: Kind<number> = scalar("a size such as 4096, 16KiB or 1MiB", (written) => {
  const [, digits = "", unit = ""] = /^(\d{1,12})\s*([a-z]*)$/i.exec(written) ?? [];
  const factor = unitBytes[unit.toLowerCase()];
  const bytes = digits === "" || factor === undefined ? 0 : Number(digits) * factor;
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
});
