import { shortKey } from "@headscale/tailcfg/keys";
import type { ControlEvents } from "#control/control.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** What the control protocol tells, as log lines and counters. */
export function controlEvents(telemetry: Telemetry): ControlEvents {
  return {
    registration: (outcome, { machineKey, address }, detail) =>
      events.registrationAnswered(telemetry, outcome, shortKey(machineKey), detail, address),
    map: {
      opened: (node) => events.mapStreamOpened(telemetry, node),
      ended: (node, reason) => events.mapStreamEnded(telemetry, node, reason),
      sent: (type, bytes) => events.mapMessageSent(telemetry, type, bytes),
    },
    handshakeRefused: (reason, address) => events.noiseHandshakeFailed(telemetry, reason, address),
    nodeAudit: (node, action, details) => telemetry.log.info("node audit", { node: node.name, action, details }),
    failed: (path, error) => events.unexpectedError(telemetry, path, error),
  };
}
