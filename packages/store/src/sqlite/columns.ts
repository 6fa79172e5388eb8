import { customType } from "drizzle-orm/sqlite-core";
import { decodeStoredText, encodeStoredText } from "#stored-text.ts";

/** Text from outside: may hold anything a JavaScript string holds. */
export const freeText = customType<{ data: string; driverData: string }>({
  dataType: () => "text",
  toDriver: encodeStoredText,
  fromDriver: decodeStoredText,
});

/** A JSON value; `T` is an object or an array. */
export function json<T>(name: string) {
  return customType<{ data: T; driverData: string }>({
    dataType: () => "text",
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (stored) => JSON.parse(stored),
  })(name);
}

export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "blob" });
