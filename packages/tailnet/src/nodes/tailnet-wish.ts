import type { TailnetSettings } from "#change/decide.ts";
import { suffixOf } from "#names/fqdn.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { Tailnet } from "#tailnets/tailnet.ts";
import type { TailnetId } from "#world/ids.ts";
import type { World } from "#world/world.ts";
import type { TailnetWish } from "./registrant.ts";

const requiredPrefix = "required:";

/** What a client's device management wants; undefined when it says nothing. Source: tailscale de9ec7ee tailcfg/tailcfg.go RegisterRequest.Tailnet. */
export function tailnetWishOf(text: string | undefined): TailnetWish | undefined {
  if (text === undefined) return undefined;
  const required = text.startsWith(requiredPrefix);
  const name = text
    .slice(required ? requiredPrefix.length : 0)
    .trim()
    .toLowerCase();
  return name === "" ? undefined : { name, required };
}

/** The tailnet that is meant, if there is one of that name or with that MagicDNS suffix. */
export function wishedTailnet(world: World, wish: TailnetWish, baseDomain: string): Tailnet | undefined {
  const named = world.tailnets.get(world.index.tailnetByName.get(wish.name) ?? (0 as TailnetId));
  return named ?? [...world.tailnets.values()].find((tailnet) => suffixOf(tailnet, baseDomain) === wish.name);
}

/** Keeps a machine out of a tailnet that its administrator did not mean. @throws {TailnetError} "tailnet-refused" */
export function assertWished(
  world: World,
  settings: TailnetSettings,
  wish: TailnetWish | undefined,
  into: TailnetId,
): void {
  if (!wish?.required || wishedTailnet(world, wish, settings.baseDomain)?.id === into) return;
  throw new TailnetError("tailnet-refused", `this device is managed: it may join the tailnet "${wish.name}" only`);
}
