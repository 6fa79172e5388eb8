import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { MetricRegistry } from "./metric-registry.ts";

const nanosPerSecond = 1e9;

/** What Prometheus's client libraries tell about every process, under their names. Returns how to stop measuring. */
export function registerProcessMetrics(registry: MetricRegistry): Disposable {
  const startedAt = Date.now() / 1000 - process.uptime();
  registry
    .gauge({ name: "process_start_time_seconds", help: "Start of the process since the Unix epoch." })
    .set({}, startedAt);
  registry
    .observedCounter({ name: "process_cpu_seconds_total", help: "User and system time spent." })
    .onScrape((gauge) => {
      const { user, system } = process.cpuUsage();
      gauge.set({}, (user + system) / 1e6);
    });
  registry
    .gauge({ name: "process_resident_memory_bytes", help: "Resident memory." })
    .onScrape((gauge) => gauge.set({}, process.memoryUsage.rss()));
  registry
    .gauge({ name: "nodejs_heap_size_used_bytes", help: "JavaScript heap in use." })
    .onScrape((gauge) => gauge.set({}, process.memoryUsage().heapUsed));
  registry.gauge({ name: "process_open_fds", help: "Open files and sockets." }).onScrape((gauge) => {
    gauge.set({}, openFiles());
  });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  registry
    .gauge({
      name: "nodejs_eventloop_lag_seconds",
      help: "How late timers ran since the last scrape.",
      labels: ["quantile"],
    })
    .onScrape((gauge) => {
      for (const quantile of [50, 99]) {
        const nanos = delay.percentile(quantile);
        gauge.set({ quantile: String(quantile / 100) }, Number.isFinite(nanos) ? nanos / nanosPerSecond : 0);
      }
      delay.reset();
    });
  return { [Symbol.dispose]: () => delay.disable() };
}

/** 0 where the system has no `/proc`. */
function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
