import type { Config } from "#config/config.ts";
import type { ControlOptions } from "#control/control.ts";
import { createHttp2 } from "#edge/http2.ts";
import { Offenders } from "#edge/offenders.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { edgeLimits, innerHttp2Limits } from "./limits.ts";

/**
 * HTTP/2 inside Noise, under the listener's own rules. Offences count by machine, those of strangers by address; unlike at
 * the listener such an address is not refused whole: the members of a tailnet that share it go on.
 */
export function innerHttp2(
  config: Config,
  telemetry: Telemetry,
): Pick<ControlOptions, "createServer" | "onOffence" | "isShutOut"> {
  const limits = innerHttp2Limits(config);
  const offenders = new Offenders(edgeLimits(config).offences);
  return {
    createServer: (handlers, streams) => createHttp2(handlers, { ...limits, streams }, handlers.traffic),
    onOffence: ({ key }) => {
      if (offenders.count(key, performance.now())) events.connectionRefused(telemetry, "flood", key);
    },
    isShutOut: ({ key }) => offenders.refuses(key, performance.now()),
  };
}
