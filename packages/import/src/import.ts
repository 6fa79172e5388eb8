export { type ConvertOptions, convert, type Imported } from "./convert/convert.ts";
export { readPostgres } from "./database/postgres.ts";
export { isHeadscale, type SourceTables } from "./database/source.ts";
export { readSqlite, sqliteTables } from "./database/sqlite.ts";
export { importCommand } from "./import-command.ts";
export { ImportError, type ImportErrorCode } from "./import-error.ts";
export type { Remark } from "./remark.ts";
