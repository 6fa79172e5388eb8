export { type ConnectOptions, connectDerp } from "./connect.ts";
export { DerpClient, type DerpClientOptions } from "./derp-client.ts";
export type { DerpMessage } from "./messages.ts";
