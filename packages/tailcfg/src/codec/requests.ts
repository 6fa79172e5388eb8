import { NodeKey } from "#keys/public-key.ts";
import type { MapRequest } from "../map-request.ts";
import type { RegisterRequest } from "../register.ts";
import { DecodeError } from "./decode-error.ts";
import { isEndpoint } from "./endpoint.ts";
import { GoObject, parseJson } from "./go-json.ts";
import { parseGoTime } from "./go-time.ts";
import { decodeHostinfo } from "./hostinfo.ts";
import { defaultReportLimits, type ReportLimits } from "./report-limits.ts";

/** Clients on 32-bit machines read a peer's capability version into an `int`. */
const maxVersion = 2 ** 31 - 1;

/** @throws {DecodeError} naming the field that is wrong. */
export function decodeRegisterRequest(body: string, limits: ReportLimits = defaultReportLimits): RegisterRequest {
  const request = new GoObject(parseJson(body));
  const expiry = parseGoTime(request.get("Expiry"), "Expiry");
  const authKey = request.object("Auth")?.string("AuthKey");
  const followup = request.string("Followup");
  const nlKey = request.nlKey("NLKey");
  const tailnet = request.string("Tailnet");
  return {
    Version: request.count("Version", maxVersion) ?? 0,
    NodeKey: presentNodeKey(request),
    OldNodeKey: request.nodeKey("OldNodeKey"),
    Hostinfo: decodeHostinfo(request.get("Hostinfo") ?? {}, limits),
    Ephemeral: request.boolean("Ephemeral"),
    ...(nlKey !== undefined && { NLKey: nlKey }),
    ...(authKey !== undefined && { Auth: { AuthKey: authKey } }),
    ...(expiry !== undefined && { Expiry: expiry }),
    ...(followup !== undefined && { Followup: followup }),
    ...(tailnet !== undefined && { Tailnet: tailnet }),
  };
}

/** @throws {DecodeError} naming the field that is wrong. */
export function decodeMapRequest(body: string, limits: ReportLimits = defaultReportLimits): MapRequest {
  const request = new GoObject(parseJson(body));
  const discoKey = request.discoKey("DiscoKey");
  const hostinfo = request.get("Hostinfo");
  const endpoints = request.strings("Endpoints", limits.endpoints);
  return {
    Version: request.count("Version", maxVersion) ?? 0,
    NodeKey: presentNodeKey(request),
    Stream: request.boolean("Stream"),
    OmitPeers: request.boolean("OmitPeers"),
    ReadOnly: request.boolean("ReadOnly"),
    ...(discoKey !== undefined && { DiscoKey: discoKey }),
    ...(hostinfo !== undefined && { Hostinfo: decodeHostinfo(hostinfo, limits) }),
    // What is no address would make the maps of all peers unreadable.
    ...(endpoints !== undefined && { Endpoints: endpoints.filter(isEndpoint) }),
  };
}

function presentNodeKey(request: GoObject): NodeKey {
  const key = request.nodeKey("NodeKey");
  if (key === NodeKey.zero) throw new DecodeError("bad-field", "NodeKey");
  return key;
}
