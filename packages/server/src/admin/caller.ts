import { Code, ConnectError, createContextKey, type Interceptor } from "@connectrpc/connect";
import type { ApiKey, ApiKeyId } from "@headscale/tailnet";
import { authenticateApiKey } from "@headscale/tailnet/commands";
import type { PresentedKeys } from "#auth/presented-keys.ts";
import type { Live } from "#live/live.ts";

/** Who knows the keys that open. */
export interface Doorkeeper {
  readonly live: Live;
  readonly keys: PresentedKeys;
}

/** How the transport vouches for a caller: only the unix socket does; everybody else brings an API key. */
export const viaSocket = createContextKey<boolean>(false, { description: "came in by the unix socket" });

/** The caller's address, for the log; empty over the unix socket. */
export const clientKey = createContextKey<string>("", { description: "address of the client" });

/** Who calls, in the words of the audit log: `socket` or `api-key:PREFIX`. Set by the interceptor alone. */
export const callerKey = createContextKey<string>("", { description: "who calls" });

/**
 * Default deny, for unary and streaming calls alike: no handler runs before the caller is known. Source of the texts:
 * headscale v0.29.2 hscontrol/app.go grpcAuthenticationInterceptor.
 */
export function authenticate(
  doorkeeper: Doorkeeper,
  { used, refused }: { used(key: ApiKeyId): void; refused(source: string): void },
): Interceptor {
  return (next) => async (request) => {
    const { contextValues } = request;
    const caller = await callerOf(doorkeeper, contextValues.get(viaSocket), request.header.get("authorization"));
    if (caller instanceof ConnectError) {
      refused(contextValues.get(clientKey));
      throw caller;
    }
    if (typeof caller === "object") used(caller.id);
    contextValues.set(callerKey, typeof caller === "object" ? `api-key:${caller.prefix}` : caller);
    return next(request);
  };
}

/** Who calls: somebody at the socket, or the bearer of a key; or why nobody is let in. */
export async function callerOf(
  doorkeeper: Doorkeeper,
  isSocket: boolean,
  authorization: string | null,
): Promise<"socket" | ApiKey | ConnectError> {
  if (isSocket) return "socket";
  const key = authorization === null ? undefined : await authenticated(doorkeeper, authorization);
  return key ?? new ConnectError(refusal(authorization), Code.Unauthenticated);
}

async function authenticated({ live, keys }: Doorkeeper, header: string): Promise<ApiKey | undefined> {
  const token = /^Bearer (\S+)$/i.exec(header)?.[1];
  const presented = token === undefined ? undefined : await keys.read("api", token);
  return presented && authenticateApiKey(live.world, presented, live.now());
}

function refusal(header: string | null): string {
  if (header === null) return "authorization token is not supplied: send `authorization: Bearer <API key>`";
  if (!/^Bearer /i.test(header)) return 'missing "Bearer " prefix in "Authorization" header';
  return "invalid token: unknown, mistyped or expired API key";
}
