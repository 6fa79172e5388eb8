export type ConfigErrorCode = "invalid" | "bad-syntax" | "unreadable";

/** One sentence about one key. It may quote what was written, except for secrets. */
export interface Remark {
  /** Full dotted name, with an index where one entry of a list is meant: `trusted_proxies[1]`. */
  readonly key: string;
  readonly says: string;
}

/** The configuration cannot be used. `message` holds every mistake and warning, one a line, ready to be printed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  readonly mistakes: readonly Remark[];

  constructor(code: ConfigErrorCode, mistakes: readonly Remark[], cause?: unknown, warnings: readonly Remark[] = []) {
    const lines = (what: string, remarks: readonly Remark[]) =>
      remarks.map(({ key, says }) => `${what}: ${key}: ${says}`);
    super([...lines("Fatal config error", mistakes), ...lines("Warning", warnings)].join("\n"), { cause });
    this.code = code;
    this.mistakes = mistakes;
  }
}

/** Collects what is wrong, so that all of it is printed at once. */
export class Remarks {
  readonly mistakes: Remark[] = [];
  readonly warnings: Remark[] = [];
  readonly notes: Remark[] = [];

  refuse(key: string, says: string): void {
    this.mistakes.push({ key, says });
  }

  /** The daemon starts all the same, but somebody should look at it. */
  warn(key: string, says: string): void {
    this.warnings.push({ key, says });
  }

  /** Worth knowing, nothing to do. */
  note(key: string, says: string): void {
    this.notes.push({ key, says });
  }
}
