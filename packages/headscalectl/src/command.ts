import type { GlobalFlags } from "./flags.ts";
import type { Session } from "./session.ts";

/** What a command does; it ends with nothing, or with "no" when that is its answer. */
export type Action<F> = (session: Session, flags: F) => Promise<unknown>;

/** Runs a command's action with a session of its own; how it ends decides the exit code. */
export type Run = <F extends GlobalFlags>(action: Action<F>) => (flags: F) => Promise<void>;
