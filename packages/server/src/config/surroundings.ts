import type { LocalAddress } from "./local-address.ts";
import type { Place } from "./place.ts";

/** What parsing may know about the machine: given as values, so that a test can make up any machine. */
export interface Machine {
  readonly workingFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly localAddresses: readonly LocalAddress[];
  /** Content of a small file, `undefined` when it cannot be read. */
  readonly readText: (path: string) => string | undefined;
}

export interface Surroundings extends Machine {
  readonly place: Place;
}
