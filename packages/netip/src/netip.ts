export {
  type Addr,
  addrFamily,
  addrFromValue,
  addrValue,
  compareAddrs,
  type Family,
  familyBits,
  familyMax,
  parseAddr,
  tryParseAddr,
} from "./addr.ts";
export { type AddrRange, formatAddrRange, parseAddrRange, rangeOfAddr, rangePrefixes } from "./addr-range.ts";
export { AddrSet } from "./addr-set.ts";
export { NetipError, type NetipErrorCode } from "./netip-error.ts";
export {
  comparePrefixes,
  isExitRoute,
  type Prefix,
  parsePrefix,
  prefixAddr,
  prefixBits,
  prefixContains,
  prefixCovers,
  prefixFamily,
  prefixFrom,
  prefixOverlaps,
  prefixRange,
  singlePrefix,
  tryParsePrefix,
} from "./prefix.ts";
