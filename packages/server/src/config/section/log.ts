import { type Key, key, type Reading } from "../key.ts";
import { choice } from "../kind/kind.ts";

/** zerolog's names; what it calls fatal and panic is an error here. */
const level = choice(["trace", "debug", "info", "warn", "error"], {
  warning: "warn",
  fatal: "error",
  panic: "error",
  disabled: "error",
});

export const logKeys = {
  "log.level": key(level, "info", "The least important lines to write: trace, debug, info, warn or error."),
  "log.format": key(choice(["text", "json"]), "text", "text for people, json for programs: one object a line."),
} satisfies Record<string, Key<unknown>>;

export interface LogConfig {
  readonly level: "trace" | "debug" | "info" | "warn" | "error";
  readonly format: "text" | "json";
}

export function logSection({ value }: Reading<typeof logKeys>): LogConfig {
  return { level: value["log.level"], format: value["log.format"] };
}
