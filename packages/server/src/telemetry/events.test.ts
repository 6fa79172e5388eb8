import { afterAll, describe, expect, test } from "vitest";
import * as events from "./events.ts";
import { createLogger } from "./logger.ts";
import { createTelemetry } from "./telemetry.ts";

const lines: string[] = [];
const telemetry = createTelemetry(
  createLogger({
    level: "trace",
    format: "text",
    now: () => new Date(0),
    write: (line) => lines.push(line.slice(25, -1)),
  }),
);
afterAll(() => telemetry[Symbol.dispose]());

const node = { id: 7, name: "laptop", user: "alice" };

describe("events", () => {
  test.for([
    {
      happens: () => events.nodeRegistered(telemetry, node, "web"),
      line: "INF node registered node=7 name=laptop user=alice method=web",
      sample: 'headscale_registrations_total{method="web",result="ok"} 1',
    },
    {
      happens: () => events.mapSessionStarted(telemetry, node),
      line: "DBG map stream opened node=7 name=laptop user=alice",
      sample: "headscale_map_sessions 1",
    },
    {
      happens: () => events.mapSessionEnded(telemetry, node, "closed"),
      line: "DBG map stream ended node=7 name=laptop user=alice reason=closed",
      sample: 'headscale_mapresponse_ended_total{reason="closed"} 1',
    },
    {
      happens: () => events.policyRefused(telemetry, "policy.hujson", new Error("line 3")),
      line: 'ERR policy refused, the one before stays in force source=policy.hujson error="line 3"',
      sample: 'headscale_policy_loads_total{result="refused"} 1',
    },
    {
      happens: () => events.httpAnswered(telemetry, { route: "/key", method: "GET", status: 200, seconds: 0.002 }),
      line: "TRC request route=/key method=GET status=200 seconds=0.002",
      sample: 'headscale_http_requests_total{route="/key",method="GET",code="200"} 1',
    },
  ])("$line", ({ happens, line, sample }) => {
    lines.length = 0;
    happens();
    expect(lines).toEqual([line]);
    expect(telemetry.registry.render()).toContain(`${sample}\n`);
  });

  test("a sent map response is counted, not logged: there are too many", () => {
    lines.length = 0;
    events.mapResponseSent(telemetry, "patch", 120);
    expect(lines).toEqual([]);
    expect(telemetry.registry.render()).toContain('headscale_mapresponse_bytes_total{type="patch"} 120\n');
  });

  test("the process tells its memory and CPU time", () => {
    expect(telemetry.registry.render()).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m);
    expect(telemetry.registry.render()).toMatch(/^process_cpu_seconds_total \d/m);
  });
});
