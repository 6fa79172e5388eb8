import { bigint as bigintColumn, customType } from "drizzle-orm/pg-core";
import { decodeStoredText, encodeStoredText } from "#stored-text.ts";

/** Text from outside: may hold anything a JavaScript string holds. */
export const freeText = customType<{ data: string; driverData: string }>({
  dataType: () => "text",
  toDriver: encodeStoredText,
  fromDriver: decodeStoredText,
});

/** A JSON value; `T` is an object or an array. Kept as `json`: `jsonb` refuses NUL and lone surrogates. */
export function json<T>(name: string) {
  return customType<{ data: T; driverData: string }>({
    dataType: () => "json",
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (stored) => (typeof stored === "string" ? JSON.parse(stored) : stored),
  })(name);
}

export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
  fromDriver: (stored) => new Uint8Array(stored),
});

/** A whole number up to 2^53−1. */
export const integer = (name: string) => bigintColumn(name, { mode: "number" });
