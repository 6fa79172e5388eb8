import { CliError } from "#failure.ts";
import { text } from "#flags.ts";

export const limitOption = { limit: { ...text("At most so many; 0 for all"), default: "50" } } as const;

/** @throws {CliError} usage */
export function limitOf({ limit }: { readonly limit: string }): number {
  if (!/^\d{1,9}$/.test(limit)) throw new CliError("usage", "--limit: not a number");
  return limit === "0" ? Number.POSITIVE_INFINITY : Number(limit);
}

/** Up to `limit` items of a listing that comes in pages. */
export async function pages<T>(
  limit: number,
  fetchPage: (page: { pageSize: number; pageToken: string }) => Promise<{ items: readonly T[]; next: string }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let pageToken = ""; ; ) {
    const pageSize = Math.min(limit - all.length, 500);
    const { items, next } = await fetchPage({ pageSize, pageToken });
    all.push(...items);
    // A server that repeats itself would be asked for ever.
    if (next === "" || next === pageToken || all.length >= limit) return all.slice(0, limit);
    pageToken = next;
  }
}
