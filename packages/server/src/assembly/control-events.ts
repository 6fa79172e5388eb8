import type { ControlEvents } from "#control/control.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** What the control protocol tells, as log lines and counters. */
export function controlEvents(telemetry: Telemetry): ControlEvents {
  return {
    registration(outcome, connection, detail) {
      if (outcome === "refused") events.registrationRefused(telemetry, "auth-key", detail, connection.address);
      else
        telemetry.log.info("registration", {
          outcome,
          node: detail,
          machine: connection.machineKey.slice(0, 17),
          source: connection.address,
        });
    },
    handshakeRefused: (reason, address) => events.noiseHandshakeFailed(telemetry, reason, address),
    nodeAudit: (node, action, details) => telemetry.log.info("node audit", { node: node.name, action, details }),
    failed: (path, error) => events.unexpectedError(telemetry, path, error),
  };
}
