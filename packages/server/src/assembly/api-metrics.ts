import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { apiCalled } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** Counts and times every call of the admin API; of a stream only that it was opened. */
export function apiMetrics(telemetry: Telemetry): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const tell = (code: string) =>
      apiCalled(telemetry, {
        procedure: `${request.service.typeName}/${request.method.name}`,
        code,
        seconds: (performance.now() - startedAt) / 1000,
      });
    try {
      const response = await next(request);
      tell("ok");
      return response;
    } catch (error) {
      tell(Code[ConnectError.from(error).code].toLowerCase());
      throw error;
    }
  };
}
