import type { NaclBox } from "#box/nacl-box.ts";
import { DerpError } from "#derp-error.ts";
import { PROTOCOL_VERSION } from "#protocol.ts";
import { jsonFields } from "./json-fields.ts";
import { MeshKey } from "./mesh-key.ts";

/** What a client says of itself when it logs in. Source: tailscale derp/derp_client.go ClientInfo@de9ec7ee. */
export interface ClientInfo {
  readonly version: number;
  /** It answers Ping. */
  readonly canAckPings: boolean;
  readonly isProber: boolean;
  readonly appName: string;
  readonly meshKey?: MeshKey;
}

/** App names are for statistics; later releases refuse longer or unprintable ones (1.104.5 derpserver.go). */
const APP_NAME = /^[\x20-\x7e]{0,32}$/;

/** Opens and reads the box of a ClientInfo frame. @throws {DerpError} `bad-login`; which part was wrong stays vague on purpose. */
export function openClientInfo(box: NaclBox, sealed: Uint8Array): ClientInfo {
  const plain = box.open(sealed);
  if (plain === undefined) throw new DerpError("bad-login", "the box of ClientInfo does not open");
  const fields = jsonFields(plain.toString("utf8"));
  if (fields === undefined) throw new DerpError("bad-login", "ClientInfo is no JSON object");
  const meshKey = meshKeyField(fields);
  return {
    version: field(fields, "version", "number", 0),
    canAckPings: field(fields, "canackpings", "boolean", false),
    isProber: field(fields, "isprober", "boolean", false),
    appName: appNameField(fields),
    ...(meshKey && { meshKey }),
  };
}

export function sealClientInfo(box: NaclBox, info: Partial<ClientInfo>): Buffer {
  const { version = PROTOCOL_VERSION, meshKey, canAckPings = false, isProber, appName } = info;
  return box.seal(
    Buffer.from(
      JSON.stringify({
        ...(meshKey && { meshKey: meshKey.reveal() }),
        version,
        CanAckPings: canAckPings,
        ...(isProber && { IsProber: true }),
        ...(appName && { AppName: appName }),
      }),
    ),
  );
}

type Primitive = { number: number; boolean: boolean; string: string };

function field<K extends keyof Primitive>(
  fields: ReadonlyMap<string, unknown>,
  name: string,
  kind: K,
  absent: Primitive[K],
): Primitive[K] {
  const value = fields.get(name) ?? absent;
  if (typeof value !== kind || (kind === "number" && !Number.isSafeInteger(value)))
    throw new DerpError("bad-login", `ClientInfo.${name} is no ${kind}`);
  return value as Primitive[K];
}

function appNameField(fields: ReadonlyMap<string, unknown>): string {
  const name = field(fields, "appname", "string", "");
  if (!APP_NAME.test(name)) throw new DerpError("bad-login", "ClientInfo.appname is too long or not printable");
  return name;
}

/** A malformed key is a refusal, not an absent key; so is null, which Go hands to the key's own parser. */
function meshKeyField(fields: ReadonlyMap<string, unknown>): MeshKey | undefined {
  if (!fields.has("meshkey")) return undefined;
  const text = fields.get("meshkey");
  const key = typeof text === "string" && text.length === 64 ? MeshKey.parse(text) : undefined;
  if (key === undefined) throw new DerpError("bad-login", "ClientInfo.meshkey is malformed");
  return key;
}
