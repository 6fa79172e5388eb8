import { type Key, key, type Reading } from "../key.ts";
import { flag } from "../kind/kind.ts";

export const featureKeys = {
  "logtail.enabled": key(flag, "false", "Let clients send their logs to Tailscale Inc."),
  "taildrop.enabled": key(flag, "true", "Let nodes of one user send each other files."),
  "auto_update.enabled": key(flag, "false", "Clients that have no opinion of their own update themselves."),
} satisfies Record<string, Key<unknown>>;

export interface FeaturesConfig {
  readonly logtail: boolean;
  readonly taildrop: boolean;
  readonly autoUpdate: boolean;
}

export function featuresSection({ value }: Reading<typeof featureKeys>): FeaturesConfig {
  return {
    logtail: value["logtail.enabled"],
    taildrop: value["taildrop.enabled"],
    autoUpdate: value["auto_update.enabled"],
  };
}
