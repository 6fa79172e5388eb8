import { TailnetError } from "@headscale/tailnet";
import type { AdminLimits } from "./limits.ts";

export type PageLimits = Pick<AdminLimits, "pageSize" | "defaultPageSize">;

/** How many entries a page has when the caller asks for so many; 0 is "as you like". @throws {TailnetError} "argument-invalid" */
export function pageSizeOf(asked: number, { pageSize, defaultPageSize }: PageLimits): number {
  if (asked < 0) throw new TailnetError("argument-invalid", "page_size: not a positive number");
  return Math.min(asked || defaultPageSize, pageSize);
}
