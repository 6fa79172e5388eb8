export { type EarlyOutcome, type EarlyPayload, EarlyPayloadReader, encodeEarlyPayload } from "./early-payload.ts";
export { encodeErrorFrame } from "./handshake-frame.ts";
export { Initiator, type InitiatorOptions } from "./initiator.ts";
export { publicMachineKey } from "./machine-key.ts";
export { NoiseError, type NoiseErrorCode } from "./noise-error.ts";
export { NoiseSession, type Records } from "./noise-session.ts";
export {
  handshakeHeader,
  initiationBytes,
  maxFrameBytes,
  maxPlaintextBytes,
  responseBytes,
  upgradePath,
  upgradeProtocol,
} from "./protocol.ts";
export { RecordReader } from "./record-reader.ts";
export { RecordWriter } from "./record-writer.ts";
export { type AcceptedHandshake, type HandshakeRequest, respondHandshake } from "./responder.ts";
export { decodeHandshakeHeader, encodeHandshakeHeader, switchingProtocols } from "./upgrade.ts";
