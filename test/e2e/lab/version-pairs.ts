import type { ClientVersion } from "../clients/build.ts";
import type { DatabaseKind } from "./lab.ts";

export interface VersionPair {
  readonly one: ClientVersion;
  readonly other: ClientVersion;
}

/** The newest client, the oldest that is promised to work, and the two together. */
export const versionPairs: readonly VersionPair[] = [
  { one: "new", other: "new" },
  { one: "new", other: "old" },
  { one: "old", other: "old" },
];

/** For what only asks that either client plays either part. */
export const mixedPairs: readonly VersionPair[] = [
  { one: "new", other: "old" },
  { one: "old", other: "new" },
];

export const versions: readonly { readonly version: ClientVersion }[] = [{ version: "new" }, { version: "old" }];

/** What depends on the store is seen on both databases. */
export const databases: readonly { readonly database: DatabaseKind }[] = [
  { database: "sqlite" },
  { database: "postgres" },
];
