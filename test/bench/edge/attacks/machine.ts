import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { opening, reset } from "@headscale/server/edge/testing/http2-frames";
import type { ControlClient } from "../../../support/control-client.ts";
import { odd, post, zeroWindowOpening } from "../../../support/hostile-frames.ts";
import { freshKey, type Hostile } from "../hostile.ts";

/** One map request on stream `stream`: whole head, whole body. */
function mapRequest({ nodeKey }: ControlClient, stream: number, over: object): Buffer {
  return post(stream, "/machine/map", { Compress: "zstd", KeepAlive: true, NodeKey: nodeKey, ...over });
}

/** Opens sessions of one machine, each with a hundred requests whose answers nobody reads. */
function unread(over: object) {
  return async (hostile: Hostile) => {
    const member = await hostile.member();
    await member.drop();
    await hostile.keep(16, async () => {
      const stream = await hostile.noise(member.machineKey);
      if (!stream) return undefined;
      stream.write(
        Buffer.concat([
          zeroWindowOpening,
          ...Array.from({ length: 100 }, (_, n) => mapRequest(member, odd(n + 1), over)),
        ]),
      );
      return stream;
    });
  };
}

const authKey = () => `hskey-auth-${randomBytes(6).toString("hex")}-${randomBytes(32).toString("hex")}`;

/** Requests of a machine that is registered, and of one that wants to be. */
export const machine: Readonly<Record<string, (hostile: Hostile) => Promise<void>>> = {
  /** Map streams, opened and reset by the rules: as fast as the answers begin. */
  "machine/map-polls": async (hostile) => {
    const member = await hostile.member();
    await hostile.repeat(8, async () => (await member.openMap()).close());
    await member.drop();
  },
  "machine/maps": async (hostile) => {
    const member = await hostile.member();
    await hostile.repeat(8, () => member.fetchMap());
    await member.drop();
  },
  "machine/map-resets": async (hostile) => {
    const member = await hostile.member();
    await hostile.flood(
      () => hostile.noise(member.machineKey),
      (n) => (n === 1 ? opening : Buffer.concat([mapRequest(member, odd(n - 1), { Stream: true }), reset(odd(n - 1))])),
    );
  },
  "machine/streams-unread": unread({ Stream: true }),
  "machine/maps-unread": unread({ ReadOnly: true }),
  "machine/lite-updates": async (hostile) => {
    const member = await hostile.member();
    let port = 1;
    await hostile.repeat(16, () => member.liteUpdate({ endpoints: [`192.0.2.1:${(port++ % 60_000) + 1}`] }));
    await member.drop();
  },
  /** One Noise connection for all guesses. */
  "machine/auth-keys": async (hostile) => {
    const stranger = hostile.stranger();
    await hostile.repeat(16, () => stranger.register({ authKey: authKey() }));
    await stranger.drop();
  },
  /** A machine key for each. */
  "machine/logins": (hostile) =>
    hostile.repeat(8, async () => {
      const stranger = hostile.stranger();
      await stranger.register().finally(() => stranger.drop());
    }),
  /** Follow-ups are held until somebody acts: as many as a stranger can get. */
  "machine/held-logins": async (hostile) => {
    const stranger = hostile.stranger();
    const { AuthURL } = await stranger.register();
    await stranger.drop();
    await hostile.keep(64, async () => {
      const stream = await hostile.noise(freshKey());
      const request = { NodeKey: stranger.nodeKey, Followup: AuthURL, Hostinfo: {} };
      stream?.write(opening);
      for (let n = 1; n <= 100; n++) stream?.write(post(odd(n), "/machine/register", request));
      await delay(5);
      return stream;
    });
  },
};
