import { describe, expect, test } from "vitest";
import { Offenders } from "./offenders.ts";

const limits = { most: 3, perMs: 1_000, restMs: 5_000, addresses: 10_000 };

function offend(offenders: Offenders, address: string, times: number, now: number): boolean[] {
  return Array.from({ length: times }, () => offenders.count(address, now));
}

describe("Offenders", () => {
  test("shuts an address out after too many offences, and says so once", () => {
    const offenders = new Offenders(limits);
    expect(offend(offenders, "192.0.2.7", 6, 100)).toEqual([false, false, false, true, false, false]);
    expect(offenders.refuses("192.0.2.7", 101)).toBe(true);
    expect(offenders.refuses("192.0.2.8", 101)).toBe(false);
  });

  test("lets it in again after its rest, however the counting period falls", () => {
    const offenders = new Offenders(limits);
    offend(offenders, "192.0.2.7", 4, 100);
    offenders.count("192.0.2.7", 2_000);
    expect(offenders.refuses("192.0.2.7", 5_099)).toBe(true);
    expect(offenders.refuses("192.0.2.7", 5_100)).toBe(false);
  });

  test("forgives offences that are far apart", () => {
    const offenders = new Offenders(limits);
    for (let now = 0; now < 50_000; now += 500) offenders.count("192.0.2.7", now);
    expect(offenders.refuses("192.0.2.7", 50_000)).toBe(false);
  });

  test("counts an IPv6 /64 as one", () => {
    const offenders = new Offenders(limits);
    for (const host of ["1", "2", "3", "4"]) offenders.count(`2001:db8:1:2::${host}`, 0);
    expect(offenders.refuses("2001:db8:1:2:ffff::", 1)).toBe(true);
    expect(offenders.refuses("2001:db8:1:3::1", 1)).toBe(false);
  });

  test("remembers a bounded number of addresses, the latest", () => {
    const offenders = new Offenders(limits);
    offend(offenders, "192.0.2.7", 4, 0);
    for (let n = 0; n < 10_000; n++) offenders.count(`10.${n >> 8}.${n & 255}.1`, 0);
    expect(offenders.refuses("192.0.2.7", 1)).toBe(false);
    offend(offenders, "192.0.2.8", 4, 0);
    expect(offenders.refuses("192.0.2.8", 1)).toBe(true);
  });
});
