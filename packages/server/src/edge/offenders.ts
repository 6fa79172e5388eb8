import { addressGroup } from "./addresses.ts";
import type { EdgeLimits } from "./limits.ts";

interface Record {
  since: number;
  offences: number;
  restsUntil: number;
}

/** Counts protocol offences by address and says whom to refuse. All times in milliseconds of one monotonic clock. */
export class Offenders {
  readonly #limits: EdgeLimits["offences"];
  readonly #byGroup = new Map<string, Record>();

  constructor(limits: EdgeLimits["offences"]) {
    this.#limits = limits;
  }

  /** True when this one shut the address out. */
  count(address: string, now: number): boolean {
    const group = addressGroup(address);
    const known = this.#byGroup.get(group);
    const current = known && now - known.since < this.#limits.perMs;
    const record = current ? known : { since: now, offences: 0, restsUntil: known?.restsUntil ?? 0 };
    record.offences++;
    const shutOut = record.offences > this.#limits.most && record.restsUntil <= now;
    if (shutOut) record.restsUntil = now + this.#limits.restMs;
    this.#byGroup.delete(group);
    this.#byGroup.set(group, record);
    if (this.#byGroup.size > this.#limits.addresses) this.#byGroup.delete(this.#byGroup.keys().next().value ?? "");
    return shutOut;
  }

  refuses(address: string, now: number): boolean {
    if (this.#byGroup.size === 0) return false;
    return (this.#byGroup.get(addressGroup(address))?.restsUntil ?? 0) > now;
  }
}
