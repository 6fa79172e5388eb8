import { type Kind, scalar } from "./kind.ts";

/** Unix permission bits, always read as octal: `"0770"`, `770` and `0o770` are the same. */
export const fileMode: Kind<number> = scalar('octal permission bits such as "0770"', (written) => {
  const digits = /^(?:0o?)?([0-7]{3})$/.exec(written)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
});
