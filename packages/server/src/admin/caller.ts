import { Code, ConnectError, createContextKey, type Interceptor } from "@connectrpc/connect";
import { authenticateApiKey } from "@headscale/tailnet/commands";
import { hashedKey } from "#auth/secrets.ts";
import type { Live } from "#live/live.ts";

/** How the transport vouches for a caller: only the unix socket does; everybody else brings an API key. */
export const viaSocket = createContextKey<boolean>(false, { description: "came in by the unix socket" });

/** Who calls, in the words of the audit log: `socket` or `api-key:PREFIX`. Set by the interceptor alone. */
export const callerKey = createContextKey<string>("", { description: "who calls" });

/**
 * Default deny, for unary and streaming calls alike: no handler runs before the caller is known. Source of the texts:
 * headscale v0.29.2 hscontrol/app.go grpcAuthenticationInterceptor.
 */
export function authenticate(live: Live, onRefused: (source: string) => void): Interceptor {
  return (next) => async (request) => {
    const { contextValues } = request;
    if (contextValues.get(viaSocket)) {
      contextValues.set(callerKey, "socket");
      return next(request);
    }
    const header = request.header.get("authorization");
    const key = header === null ? undefined : authenticated(live, header);
    if (key === undefined) {
      onRefused(request.header.get("x-forwarded-for") ?? "");
      throw new ConnectError(refusal(header), Code.Unauthenticated);
    }
    contextValues.set(callerKey, `api-key:${key}`);
    return next(request);
  };
}

function authenticated(live: Live, header: string): string | undefined {
  const token = /^Bearer (\S+)$/i.exec(header)?.[1];
  const presented = token === undefined ? undefined : hashedKey("api", token);
  return presented && authenticateApiKey(live.world, presented, live.now())?.prefix;
}

function refusal(header: string | null): string {
  if (header === null) return "authorization token is not supplied: send `authorization: Bearer <API key>`";
  if (!/^Bearer /i.test(header)) return 'missing "Bearer " prefix in "Authorization" header';
  return "invalid token: unknown, mistyped or expired API key";
}
