export { DecodeError } from "./decode-error.ts";
export { GoObject, parseJson } from "./go-json.ts";
export { formatGoTime, goZeroTime, parseGoTime } from "./go-time.ts";
export { decodeHostinfo } from "./hostinfo.ts";
export { frameMapMessage, keepAliveText } from "./map-frame.ts";
export type { ReportLimits } from "./report-limits.ts";
export { decodeMapRequest, decodeRegisterRequest } from "./requests.ts";
