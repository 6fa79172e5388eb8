import type { Database } from "./database.ts";

/** Tells of each statement before it is run. Parameters are left out: secrets are among them. */
export type StatementListener = (sql: string) => void;

/** The same database, overheard. */
export function traced(database: Database, onStatement: StatementListener | undefined): Database {
  if (!onStatement) return database;
  return {
    tables: database.tables,
    compile: database.compile,
    announcement: database.announcement,
    read(statements) {
      for (const { sql } of statements) onStatement(sql);
      return database.read(statements);
    },
    write(statements) {
      for (const { sql } of statements) onStatement(sql);
      return database.write(statements);
    },
    presenceAnnouncement: (ids) => database.presenceAnnouncement(ids),
    onCommitElsewhere: (listener) => database.onCommitElsewhere(listener),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
