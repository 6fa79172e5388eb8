export { PrivateKey } from "./private-key.ts";
export {
  ChallengeKey,
  DiscoKey,
  KeyFormatError,
  MachineKey,
  NLKey,
  NodeKey,
  publicKeyBytes,
  shortKey,
} from "./public-key.ts";
