import type { Config } from "#config/config.ts";
import type { Control } from "#control/control.ts";
import { RouteProbe } from "#control/route-probe.ts";
import type { Live } from "#live/live.ts";
import { RevokedKeys } from "#live/revoked-keys.ts";
import { routeProbed, unexpectedError } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** What the server does by the clock, as far as it is configured: asks routers whether they live, deletes revoked keys. */
export function startChores({ node }: Config, live: Live, { pings }: Control, telemetry: Telemetry): Disposable {
  const chores = new DisposableStack();
  const { probe, revokedKeyRetentionMs: retentionMs } = node;
  if (probe) {
    const onProbed: ConstructorParameters<typeof RouteProbe>[0]["onProbed"] = (router, isAlive) =>
      routeProbed(telemetry, router, isAlive);
    chores.use(new RouteProbe({ live, pings, ...probe, onProbed }));
  }
  if (retentionMs !== undefined) {
    const onError = (error: unknown) => unexpectedError(telemetry, "deleting revoked keys", error);
    chores.use(new RevokedKeys(live, { retentionMs, onError }));
  }
  return chores;
}
