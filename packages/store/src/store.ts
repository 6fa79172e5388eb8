export type { HistoryLimits, PolicySummary, PresenceMove, Store, StoredState } from "./contract.ts";
export type { HistoryPage, HistoryQuery } from "./history.ts";
export { openPostgresStore, type PostgresStoreOptions } from "./postgres/open.ts";
export type { PrimaryClaim, PrimaryRouter, ReplicaNews, Replicas, SharedPresence } from "./replicas.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite/open.ts";
export { StoreError, type StoreErrorCode } from "./store-error.ts";
