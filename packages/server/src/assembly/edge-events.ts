import type { EdgeEvent } from "#edge/edge.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** What an edge tells, as log lines and counts. */
export function edgeEvents(telemetry: Telemetry): (event: EdgeEvent) => void {
  return (event) => {
    switch (event.kind) {
      case "handler-failed":
        return events.unexpectedError(telemetry, "a request", event.error);
      case "shut-out":
        return events.connectionRefused(telemetry, "flood", event.address);
      default:
        return events.proxyDoubtful(telemetry, event.kind, event.address);
    }
  };
}
