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

const node = { id: 7, name: "laptop" };
const change = { kind: "node-registered", id: 7, name: "laptop", tailnet: "default", actor: "socket" };

describe("events", () => {
  test.for([
    {
      happens: () => events.changeCommitted(telemetry, change),
      line: "INF node registered id=7 name=laptop tailnet=default actor=socket",
      sample: 'headscale_nodestore_operations_total{operation="node-registered"} 1',
    },
    {
      happens: () => events.changeCommitted(telemetry, { ...change, kind: "node-refreshed" }),
      line: "DBG node refreshed id=7 name=laptop tailnet=default actor=socket",
      sample: 'headscale_nodestore_operations_total{operation="node-refreshed"} 1',
    },
    {
      happens: () => events.registrationAnswered(telemetry, "refused", "mkey:01", "auth key expired", "203.0.113.4"),
      line: 'WRN registration answered result=refused machine=mkey:01 detail="auth key expired" source=203.0.113.4',
      sample: 'headscale_registrations_total{result="refused"} 1',
    },
    {
      happens: () => events.mapStreamEnded(telemetry, node, "client"),
      line: "DBG map stream ended node=7 name=laptop reason=client",
      sample: 'headscale_mapresponse_ended_total{reason="client"} 1',
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

  test("a sent map message is counted, not logged: there are too many", () => {
    lines.length = 0;
    events.mapMessageSent(telemetry, "delta", 120);
    expect(lines).toEqual([]);
    expect(telemetry.registry.render()).toContain('headscale_mapresponse_bytes_total{type="delta"} 120\n');
  });

  test("the process tells its memory and CPU time", () => {
    expect(telemetry.registry.render()).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m);
    expect(telemetry.registry.render()).toMatch(
      /^# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total \d/m,
    );
  });
});
