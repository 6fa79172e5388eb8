import { publicMachineKey } from "@headscale/noise";
import type { Store } from "@headscale/store";
import type { PrivateKey } from "@headscale/tailcfg/keys";
import { type AuthRequest, defaultTailnetId, parseAuthRequestId, usersOf } from "@headscale/tailnet";
import type { OidcAuthority } from "#auth/oidc/authority.ts";
import type { Config } from "#config/config.ts";
import type { Live } from "#live/live.ts";
import type { WaitingLogin } from "#public/login-pages.ts";
import type { PublicDeps } from "#public/public-app.ts";
import { httpAnswered, unexpectedError } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import type { BuildInfo } from "./build-info.ts";

/** First words of a command line that reaches this daemon: `npm start` runs in a checkout, where nothing is on the PATH. */
export const ctl = process.env.npm_command === undefined ? "headscalectl" : "npx headscalectl";

export interface PublicParts {
  readonly config: Config;
  readonly live: Live;
  readonly store: Store;
  readonly noiseKey: PrivateKey;
  readonly authority: OidcAuthority | undefined;
  readonly build: BuildInfo;
  readonly telemetry: Telemetry;
}

/** What the public pages ask of the rest of the server. */
export function publicDeps({ config, live, store, noiseKey, authority, build, telemetry }: PublicParts): PublicDeps {
  return {
    serverUrl: config.server.url,
    noisePublicKey: publicMachineKey(noiseKey),
    build,
    ping: () => store.ping(),
    login: loginDeps(live, authority),
    ...(authority && { authority }),
    verifier: (nodeKey) => live.world.index.nodeByNodeKey.has(nodeKey),
    verifyLimits: { maxBytes: config.limits.verify_body, timeoutMs: config.limits.request_timeout },
    // Every ping of ours is answered inside Noise.
    answerPing: () => false,
    onAnswer: (answer) => httpAnswered(telemetry, answer),
    onError: (error, path) => unexpectedError(telemetry, path, error),
  };
}

function loginDeps(live: Live, authority: OidcAuthority | undefined): PublicDeps["login"] {
  return {
    findLogin: async (authId) => waitingLogin(live, live.world.authRequests.get(parseAuthRequestId(authId))),
    signIn: async (authId) => authority?.begin(parseAuthRequestId(authId)),
    now: live.now,
    suggestUser: () => {
      const users = usersOf(live.world, defaultTailnetId);
      const [first] = users;
      if (!first) return "none";
      return users.length === 1 ? { name: first.name } : "some";
    },
    ctl,
  };
}

function waitingLogin(live: Live, request: AuthRequest | undefined): WaitingLogin {
  if (!request || request.expiresAt <= live.now()) return { state: "unknown" };
  const state = { pending: "waiting", accepted: "approved", rejected: "rejected" } as const;
  const { Hostname, OS } = request.purpose.kind === "register" ? request.purpose.hostinfo : {};
  return { state: state[request.verdict], ...(Hostname && { hostname: Hostname }), ...(OS && { os: OS }) };
}
