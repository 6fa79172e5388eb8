export { GoObject, parseJson } from "./go-json.ts";
export { DecodeError, formatGoTime, goZeroTime, parseGoTime } from "./go-time.ts";
export { decodeHostinfo } from "./hostinfo.ts";
export { frameMapMessage, keepAliveText } from "./map-frame.ts";
export { decodeMapRequest, decodeRegisterRequest } from "./requests.ts";
