import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { MetricRegistry } from "./metric-registry.ts";

describe("MetricRegistry", () => {
  test("writes counters, gauges and histograms as Prometheus reads them", () => {
    const registry = new MetricRegistry();
    const requests = registry.counter({ name: "requests_total", help: "Requests.", labels: ["code"] });
    registry.counter({ name: "starts_total", help: "Starts." });
    const online = registry.gauge({ name: "online", help: "Nodes\nonline." }).onScrape((gauge) => gauge.set({}, 3));
    const seconds = registry.histogram({ name: "seconds", help: "Time.", labels: ["op"] }, [0.1, 1]);
    requests.add({ code: "200" });
    requests.add({ code: "200" }, 2);
    requests.add({ code: 'a"b\\c\nd' });
    online.set({}, 99);
    for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ op: "save" }, value);
    expect(registry.render()).toBe(`# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200"} 3
requests_total{code="a\\"b\\\\c\\nd"} 1
# HELP starts_total Starts.
# TYPE starts_total counter
starts_total 0
# HELP online Nodes\\nonline.
# TYPE online gauge
online 3
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{op="save",le="0.1"} 2
seconds_bucket{op="save",le="1"} 3
seconds_bucket{op="save",le="+Inf"} 4
seconds_sum{op="save"} 7.65
seconds_count{op="save"} 4
`);
  });

  test("counts further label values as other, so that a scrape stays small", () => {
    const maxSeries = 50;
    const registry = new MetricRegistry(maxSeries);
    const counter = registry.counter({ name: "paths_total", help: "x", labels: ["path"] });
    for (let index = 0; index < maxSeries + 100; index++) counter.add({ path: `/${index}` });
    const lines = registry
      .render()
      .split("\n")
      .filter((line) => line.startsWith("paths_total"));
    expect(lines).toHaveLength(maxSeries + 1);
    expect(lines.at(-1)).toBe('paths_total{path="other"} 100');
  });

  test.for(["9lives", "with-dash", "", "UPPER"])("refuses the metric name %o", (name) => {
    expect(() => new MetricRegistry().counter({ name, help: "x" })).toThrow(/not a metric name/);
  });

  test("refuses a name twice", () => {
    const registry = new MetricRegistry();
    registry.counter({ name: "a_total", help: "x" });
    expect(() => registry.gauge({ name: "a_total", help: "x" })).toThrow(/twice/);
  });

  property.prop([fc.array(fc.double({ min: 0, max: 20, noNaN: true }))])(
    "counts each observation in the buckets that hold it",
    (values) => {
      const registry = new MetricRegistry();
      const bounds = [0.5, 1, 10];
      const histogram = registry.histogram({ name: "h", help: "x" }, bounds);
      for (const value of values) histogram.observe({}, value);
      const text = registry.render();
      for (const bound of bounds) {
        expect(text).toContain(`h_bucket{le="${bound}"} ${values.filter((value) => value <= bound).length}\n`);
      }
      expect(text).toContain(`h_count ${values.length}\n`);
    },
  );
});
