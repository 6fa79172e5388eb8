import { formatLogLine, type LogFields, type LogFormat, type LogLevel, logLevels } from "./log-line.ts";

export interface Logger {
  /** Whether lines of this level are written: ask before preparing expensive fields. */
  isEnabled(level: LogLevel): boolean;
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each of its lines. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Longer values are cut; 2048 when absent. */
  readonly maxValueChars?: number;
  /** Takes one line at a time, newline included. Default: standard error. */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? writeToStderr;
  const now = options.now ?? (() => new Date());
  const least = logLevels.indexOf(options.level);
  const isEnabled = (level: LogLevel): boolean => logLevels.indexOf(level) >= least;
  const build = (base: LogFields): Logger => {
    const at =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}): void => {
        if (!isEnabled(level)) return;
        const entry = { time: now(), level, message, fields: { ...base, ...fields } };
        write(`${formatLogLine(entry, options.format, options.maxValueChars)}\n`);
      };
    return {
      isEnabled,
      trace: at("trace"),
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      with: (fields) => build({ ...base, ...fields }),
    };
  };
  return build({});
}

let isGuarded = false;

/** A closed standard error (the reader of a pipe went away) must not end the daemon. */
function writeToStderr(line: string): void {
  if (!isGuarded) process.stderr.on("error", () => {});
  isGuarded = true;
  process.stderr.write(line);
}
