import { createInstruments, type Instruments } from "./instruments.ts";
import type { Logger } from "./logger.ts";
import { MetricRegistry } from "./metric-registry.ts";
import { registerProcessMetrics } from "./process-metrics.ts";

/** Where events go: every function of `events.ts` takes one of these first. */
export interface Telemetry extends Disposable {
  readonly log: Logger;
  readonly metrics: Instruments;
  /** For the metrics page, and for packages that bring numbers of their own. */
  readonly registry: MetricRegistry;
}

/** `maxSeries`: of one metric; 500 when absent. */
export function createTelemetry(log: Logger, maxSeries?: number): Telemetry {
  const registry = new MetricRegistry(maxSeries);
  const metrics = createInstruments(registry);
  const processMetrics = registerProcessMetrics(registry);
  return { log, metrics, registry, [Symbol.dispose]: () => processMetrics[Symbol.dispose]() };
}
