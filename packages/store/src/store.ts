export type { HistoryLimits, PolicySummary, Store, StoredState } from "./contract.ts";
export type { HistoryPage, HistoryQuery } from "./history.ts";
export { openPostgresStore, type PostgresStoreOptions } from "./postgres/open.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite/open.ts";
export { StoreError, type StoreErrorCode } from "./store-error.ts";
