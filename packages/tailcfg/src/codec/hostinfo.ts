import type { Hostinfo } from "../hostinfo.ts";
import { GoObject } from "./go-json.ts";
import { DecodeError } from "./go-time.ts";

const maxListEntries = 4096;

/** Checks the fields we act on and keeps the rest as it came. @throws {DecodeError} */
export function decodeHostinfo(value: unknown): Hostinfo {
  const host = new GoObject(value, "Hostinfo");
  for (const name of ["Hostname", "OS", "OSVersion", "IPNVersion", "DeviceModel"]) host.string(name);
  for (const name of ["RoutableIPs", "RequestTags", "sshHostKeys"]) {
    if ((host.strings(name)?.length ?? 0) > maxListEntries) throw new DecodeError("too-long", name);
  }
  for (const service of listOf(host.get("Services"), "Services")) {
    const { number, string } = fieldsOf(service);
    if (string("Proto") === undefined || number("Port") === undefined) throw new DecodeError("bad-field", "Services");
  }
  host.object("NetInfo")?.number("PreferredDERP");
  return value as Hostinfo;
}

function listOf(value: unknown, field: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > maxListEntries) throw new DecodeError("bad-field", field);
  return value;
}

function fieldsOf(value: unknown) {
  const object = new GoObject(value, "Services");
  return { number: (name: string) => object.number(name), string: (name: string) => object.string(name) };
}
